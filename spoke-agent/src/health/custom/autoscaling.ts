import { type Checks, check, condition, otherwise, unobserved } from './rules.ts';

const running = { True: 'Progressing' } as const;

/** KEDA and Karpenter. */
export const autoscalingChecks: Checks = {
  'keda.sh/ScaledObject': check(
    condition('Fallback', { True: 'Degraded' }),
    condition('Ready', { False: 'Degraded' }),
    condition('Paused', { True: 'Suspended' }),
    condition('Ready', { True: 'Healthy' }),
    otherwise('Progressing', 'Creating HorizontalPodAutoscaler Object'),
  ),
  'keda.sh/ScaledJob': check(
    condition('Ready', { False: 'Degraded', Unknown: 'Degraded' }),
    condition('Paused', { True: 'Suspended' }),
    condition('Ready', { True: 'Healthy' }),
    otherwise('Progressing', 'Waiting for ScaledJob'),
  ),
  'karpenter.sh/NodePool': check(
    condition('Ready', { True: 'Healthy', False: 'Degraded' }),
    condition('NodeClassReady', { False: 'Degraded' }),
    otherwise('Progressing', 'Waiting for NodePool to be ready'),
  ),
  'karpenter.sh/NodeClaim': check(
    unobserved('Waiting for NodeClaim spec to be reconciled'),
    condition('Disrupting', { True: 'Suspended' }),
    condition('Ready', { True: 'Healthy', False: 'Degraded' }),
    condition('Initialized', running, { message: 'Node initialized, waiting for Ready' }),
    condition('Registered', running, { message: 'Node registered, waiting for initialization' }),
    condition('Launched', running, { message: 'Node launched, waiting for registration' }),
    otherwise('Progressing', 'Waiting for NodeClaim to be launched'),
  ),
  'karpenter.k8s.aws/EC2NodeClass': check(
    condition('Ready', { True: 'Healthy' }, { message: 'EC2NodeClass is ready' }),
    condition('Ready', { False: 'Degraded' }),
    condition(['SubnetsReady', 'SecurityGroupsReady', 'ValidationSucceeded'], { False: 'Degraded' }),
    otherwise('Progressing', 'Waiting for EC2NodeClass to be ready'),
  ),
};
