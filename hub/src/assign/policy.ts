import type { AssignedPolicy, IgnoreDifference } from '@wheelhouse/shared/protocol/document';
import type { SyncWindow } from '@wheelhouse/shared/resources/app-project';
import type { ApplicationSpec } from '@wheelhouse/shared/resources/application';
import { assignedWindow } from '../project/window.ts';
import { assignedRetry } from './retry.ts';

type SyncPolicy = NonNullable<ApplicationSpec['syncPolicy']>;

/** What the project and the settings add to an Application. */
export interface PolicyAdditions {
  windows?: readonly SyncWindow[];
  /** Differences that are ignored in all Applications. */
  ignored?: readonly IgnoreDifference[];
}

/** The part of an Application's spec that its spoke acts upon. */
export function assignedPolicy(
  spec: ApplicationSpec,
  { windows = [], ignored = [] }: PolicyAdditions = {},
): AssignedPolicy {
  const ignoreDifferences = [...(spec.ignoreDifferences ?? []), ...ignored];
  return {
    ...policyOf(spec),
    ...(ignoreDifferences.length > 0 ? { ignoreDifferences } : {}),
    ...(windows.length > 0 ? { windows: windows.map(assignedWindow) } : {}),
  };
}

function policyOf(spec: ApplicationSpec): AssignedPolicy {
  const { automated, syncOptions = [], retry, managedNamespaceMetadata } = spec.syncPolicy ?? {};
  return {
    syncOptions,
    ...(automated && automated.enabled !== false ? { automated: automatedOf(automated) } : {}),
    ...(retry ? { retry: assignedRetry(retry) } : {}),
    ...(managedNamespaceMetadata ? { managedNamespaceMetadata } : {}),
  };
}

function automatedOf(automated: NonNullable<SyncPolicy['automated']>): NonNullable<AssignedPolicy['automated']> {
  const { prune = false, selfHeal = false, allowEmpty = false } = automated;
  return { prune, selfHeal, allowEmpty };
}
