import { expect, it } from 'vitest';
import { countResults, formatCounts, type VitestReport } from './test-counts.ts';

const report: VitestReport = {
  numPassedTests: 2,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  testResults: [{ status: 'passed', assertionResults: [{ status: 'passed' }, { status: 'passed' }] }],
};
const failedTest = { status: 'failed', assertionResults: [{ status: 'failed' }] };
const brokenFile = { status: 'failed', assertionResults: [] };

interface Case {
  name: string;
  given?: Partial<VitestReport>;
  endedWell: boolean;
  line: string;
}

it.each<Case>([
  { name: 'all passed', given: {}, endedWell: true, line: '2 passed, 0 failed' },
  {
    name: 'some skipped',
    given: { numPendingTests: 1, numTodoTests: 2 },
    endedWell: true,
    line: '2 passed, 0 failed, 3 skipped',
  },
  {
    name: 'one failed',
    given: { numFailedTests: 1, testResults: [failedTest] },
    endedWell: false,
    line: '2 passed, 1 failed',
  },
  {
    name: 'a file that does not load',
    given: { testResults: [brokenFile] },
    endedWell: false,
    line: '2 passed, 1 failed',
  },
  { name: 'an error outside the tests', given: {}, endedWell: false, line: '2 passed, 1 failed' },
  { name: 'no report', endedWell: false, line: '0 passed, 1 failed' },
])('$name', ({ given, endedWell, line }) => {
  expect(formatCounts(countResults(given && { ...report, ...given }, endedWell))).toBe(line);
});
