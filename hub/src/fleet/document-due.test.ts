import type { Heartbeat } from '@wheelhouse/shared/protocol/status';
import { expect, it } from 'vitest';
import { isDocumentDue } from './document-due.ts';

const refusing = (code: string) => ({ rejected: { count: 1, code, message: '', at: '' } });

it.each<[string, Partial<Heartbeat>, boolean]>([
  ['acts upon what the hub gave it', { appliedGen: 5 }, false],
  ['is ahead of the hub', { appliedGen: 6 }, true],
  ['reads what it is given', { documents: 3, ...refusing('Malformed') }, false],
  ['does not say what it reads, and refuses nothing', {}, false],
  ['does not say what it reads, and cannot read its document', refusing('Malformed'), true],
  ['does not say what it reads, and refuses a signature', refusing('SignatureInvalid'), false],
])('of an agent that %s', (_what, heartbeat, expected) => {
  expect(isDocumentDue({ appliedGen: 0, ...heartbeat }, 5)).toBe(expected);
});
