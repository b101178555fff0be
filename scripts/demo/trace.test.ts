import { expect, it } from 'vitest';
import { formatTrace, type JaegerSpan } from './trace.ts';

function span(spanID: string, operationName: string, at: Partial<JaegerSpan> & { tag?: [string, string] }): JaegerSpan {
  const { tag, ...rest } = at;
  const tags = tag ? [{ key: tag[0], value: tag[1] }] : [];
  return { spanID, operationName, processID: 'p1', startTime: 0, duration: 1_000, references: [], tags, ...rest };
}

const childOf = (spanID: string) => [{ refType: 'CHILD_OF', spanID }];

it('shows each span below the one that caused it, in the order of time, with its cluster', () => {
  const trace = {
    traceID: 't',
    processes: {
      p1: { serviceName: 'hub' },
      p2: { serviceName: 'spoke-agent', tags: [{ key: 'wheelhouse.cluster', value: 'us-east' }] },
    },
    spans: [
      span('c', 'spoke.receive', { startTime: 150_000, duration: 2_500, processID: 'p2', references: childOf('b') }),
      span('d', 'app.render', { startTime: 60_000, references: childOf('a'), tag: ['application', 'argocd/web'] }),
      span('a', 'source.fetch', { startTime: 50_000, duration: 40_000, tag: ['revision', '0123456789abcdef'] }),
      span('b', 'cluster.assign', { startTime: 120_000, references: childOf('a'), tag: ['cluster', 'us-east'] }),
      span('e', 'status.recorded', { startTime: 200_000, references: childOf('not exported') }),
    ],
  };
  expect(formatTrace(trace)).toBe(
    [
      'trace of 0123456, 151 ms, 5 spans',
      '  0.0 ms     40 ms  hub         source.fetch',
      '   10 ms    1.0 ms  hub           app.render  argocd/web',
      '   70 ms    1.0 ms  hub           cluster.assign  us-east',
      '  100 ms    2.5 ms  us-east         spoke.receive',
      '  150 ms    1.0 ms  hub         status.recorded',
      '',
    ].join('\n'),
  );
});
