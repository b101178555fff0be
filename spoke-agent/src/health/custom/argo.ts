import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { Health } from '../health.ts';
import {
  type Checks,
  check,
  condition,
  numberAt,
  otherwise,
  textOf,
  value,
  valueAt,
  whatever,
  without,
} from './rules.ts';

const rolloutFinishing = 'Waiting for roll out to finish: ';

/** Argo Rollouts writes the generation as text; old versions wrote a hash there, which says nothing. */
function rolloutUnobserved(object: KubeObject): Health | undefined {
  const observed = textOf(valueAt(object, ['status', 'observedGeneration']));
  const { generation = 0 } = object.metadata;
  if (!/^\d+$/.test(observed) || Number(observed) >= generation) return undefined;
  return { status: 'Progressing', message: 'Waiting for rollout spec update to be observed' };
}

function rolloutReplicas(object: KubeObject): Health | undefined {
  const [wanted, updated = 0] = [numberAt(object, 'spec', 'replicas'), numberAt(object, 'status', 'updatedReplicas')];
  const progressing = (why: string): Health => ({ status: 'Progressing', message: `${rolloutFinishing}${why}` });
  if (wanted !== undefined && updated < wanted) return progressing('More replicas need to be updated');
  if ((numberAt(object, 'status', 'replicas') ?? 0) > updated)
    return progressing('old replicas are pending termination');
  if ((numberAt(object, 'status', 'availableReplicas') ?? 0) < updated)
    return progressing('updated replicas are still becoming available');
  return undefined;
}

/** Whether what is current is also what is stable, or active. */
function rolloutCutover(object: KubeObject): Health | undefined {
  const at = (...path: string[]) => textOf(valueAt(object, ['status', ...path]));
  const current = at('currentPodHash');
  if (current === '') return undefined;
  if ([at('stableRS'), at('canary', 'stableRS')].includes(current)) return { status: 'Healthy' };
  const active = at('blueGreen', 'activeSelector');
  const why = active !== '' && active !== current ? 'active service cutover pending' : 'waiting for steps to end';
  return { status: 'Progressing', message: `${rolloutFinishing}${why}` };
}

/** Argo Rollouts, Workflows and Events, and Argo CD's own ApplicationSets where its controller runs. */
export const argoChecks: Checks = {
  'argoproj.io/Rollout': check(
    rolloutUnobserved,
    value(
      'status.phase',
      { Healthy: 'Healthy', Degraded: 'Degraded', Paused: 'Suspended', Progressing: 'Progressing' },
      '{status.message}',
    ),
    condition('InvalidSpec', whatever('Degraded')),
    condition('Progressing', whatever('Degraded'), { reasons: ['RolloutAborted', 'ProgressDeadlineExceeded'] }),
    condition('Progressing', whatever('Suspended'), { reasons: ['RolloutPaused'], message: 'Rollout is paused' }),
    value('spec.paused', { true: 'Suspended' }, 'Rollout is paused'),
    without('status.currentPodHash', 'Progressing', 'Waiting for rollout spec update to be observed'),
    rolloutReplicas,
    rolloutCutover,
  ),
  'argoproj.io/AnalysisRun': check(
    value('status.phase', { Pending: 'Progressing', Running: 'Progressing' }, 'Analysis run is running'),
    value('status.phase', { Successful: 'Healthy' }, '{status.message|Analysis run completed successfully}'),
    value('status.phase', { Failed: 'Degraded' }, '{status.message|Analysis run failed}'),
    value('status.phase', { Error: 'Degraded' }, '{status.message|Analysis run had an error}'),
    value('status.phase', { Inconclusive: 'Unknown' }, '{status.message|Analysis run was inconclusive}'),
    otherwise('Progressing', 'Waiting for analysis run to finish: status has not been reconciled.'),
  ),
  'argoproj.io/Experiment': check(
    value('status.phase', { Pending: 'Progressing' }, 'Experiment is pending'),
    value('status.phase', { Running: 'Progressing' }, 'Experiment is running'),
    value('status.phase', { Successful: 'Healthy' }, 'Experiment is successful'),
    value('status.phase', { Failed: 'Degraded' }, 'Experiment has failed'),
    value('status.phase', { Error: 'Degraded' }, 'Experiment had an error'),
    otherwise('Progressing', 'Waiting for experiment to finish: status has not been reconciled.'),
  ),
  'argoproj.io/CronWorkflow': check(
    condition(['SpecError', 'SubmissionError'], { True: 'Degraded' }),
    condition('Completed', { True: 'Healthy' }),
    otherwise('Healthy', 'CronWorkflow is healthy.'),
  ),
  'argoproj.io/ApplicationSet': check(
    condition('ErrorOccurred', { True: 'Degraded' }),
    condition('ResourcesUpToDate', { False: 'Degraded' }),
    condition('RolloutProgressing', { True: 'Progressing' }),
    condition('ResourcesUpToDate', { True: 'Healthy' }),
    otherwise('Progressing', 'Waiting for the status to be reported'),
  ),
};
