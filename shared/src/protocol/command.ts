/** A question to a spoke, answered once. It changes nothing: what changes things is in the signed document. */
export interface DiffCommand {
  v: 1;
  id: string;
  type: 'diff';
  app: string;
}

export type Command = DiffCommand;

/** `result` is the command's own: for a diff, the list of differing resources. */
export type CommandAnswer =
  | { v: 1; id: string; result: unknown }
  | { v: 1; id: string; error: { code: string; message: string } };

/** Throws nothing: undefined for what is not a command of this version. */
export function parseCommand(text: string): Command | undefined {
  try {
    const value = JSON.parse(text) as Partial<DiffCommand> | null;
    const complete =
      value?.v === 1 && value.type === 'diff' && typeof value.id === 'string' && typeof value.app === 'string';
    return complete ? (value as Command) : undefined;
  } catch {
    return undefined;
  }
}
