import { parseDuration } from '@wheelhouse/shared/config/duration';
import type { AppProject } from '@wheelhouse/shared/resources/app-project';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { FailoverPolicy } from './plan-record.ts';

/** On an Application (the template of its ApplicationSet), or on its AppProject for all of its Applications. */
export const policyAnnotation = 'wheelhouse.dev/failover';
export const soakAnnotation = 'wheelhouse.dev/failover-soak';

const policies: readonly FailoverPolicy[] = ['Surge', 'Immediate', 'Never'];
export const defaultSoakMs = 60_000;

export interface MovePolicy {
  policy: FailoverPolicy;
  soakMs: number;
  /** An annotation that means nothing; the careful answer is taken. */
  problem?: string;
}

/** The Application's own word, else its project's, else Surge with a minute of soak. A word that is none means Never. */
export function movePolicyOf(
  application: Application,
  project: AppProject | undefined,
  soakMs: number | undefined,
): MovePolicy {
  const word = readPolicy(annotationOf(policyAnnotation, application, project));
  const soak = readSoak(annotationOf(soakAnnotation, application, project));
  const wrong = word.problem ?? soak.problem;
  return {
    policy: word.policy,
    soakMs: soakMs ?? soak.soakMs,
    ...(wrong ? { problem: `application ${application.metadata.name}: ${wrong}` } : {}),
  };
}

function readPolicy(word: string | undefined): { policy: FailoverPolicy; problem?: string } {
  if (word === undefined) return { policy: 'Surge' };
  const policy = policies.find((one) => one === word);
  if (policy) return { policy };
  const problem = `${policyAnnotation}: ${JSON.stringify(word)} is none of ${policies.join(', ')}; it counts as Never`;
  return { policy: 'Never', problem };
}

function readSoak(text: string | undefined): { soakMs: number; problem?: string } {
  if (text === undefined) return { soakMs: defaultSoakMs };
  const soakMs = parseDuration(text);
  if (soakMs !== undefined) return { soakMs };
  const problem = `${soakAnnotation}: ${JSON.stringify(text)} is no duration; ${defaultSoakMs / 1000}s counts`;
  return { soakMs: defaultSoakMs, problem };
}

function annotationOf(key: string, application: Application, project: AppProject | undefined): string | undefined {
  return application.metadata.annotations?.[key] ?? project?.metadata.annotations?.[key];
}
