import {
  type Command,
  type DiffCommand,
  type HeldDocument,
  type HeldPiece,
  pieceBytes,
} from '@wheelhouse/shared/protocol/command';
import type { Desired } from './desired/desired.ts';

export interface AnswerDeps {
  desired: Pick<Desired, 'held' | 'heldContent'>;
  diff(command: DiffCommand): Promise<unknown>;
}

/** Answers questions of the hub; what it throws is answered as an error. It reads and changes nothing. */
export function createAnswer({ desired, diff }: AnswerDeps): (command: Command) => Promise<unknown> {
  return async (command) => {
    if (command.type === 'diff') return await diff(command);
    if (command.type === 'document') {
      const { gen, bytes } = await desired.held();
      return { gen, envelope: Buffer.from(bytes).toString('base64') } satisfies HeldDocument;
    }
    const content = await desired.heldContent(command.digest);
    const from = Math.max(0, command.piece) * pieceBytes;
    const piece = Buffer.from(content).subarray(from, from + pieceBytes);
    return { content: piece.toString('base64'), totalBytes: content.length } satisfies HeldPiece;
  };
}
