import { assignedPolicy } from '@wheelhouse/hub/assign/policy';
import { type KubeObject, refOf } from '@wheelhouse/shared/kube/object';
import type { IgnoreDifference } from '@wheelhouse/shared/protocol/document';
import { readCompareSettings } from '@wheelhouse/shared/resources/compare-settings';
import { fieldManager } from '@wheelhouse/spoke-agent/cluster/cluster';
import { wouldChangeNothing } from '@wheelhouse/spoke-agent/diff/drift';
import { compileIgnore, withoutIgnored } from '@wheelhouse/spoke-agent/diff/ignore';
import { diffResource } from '@wheelhouse/spoke-agent/diff/resource-diff';
import { maskSecrets } from '@wheelhouse/spoke-agent/diff/secret-mask';
import { type Case, expectsError, judgeCases, type Verdict, whyDifferent } from '../cases.ts';
import type { Suite } from '../suite.ts';
import { withoutEmpty } from './argocd-evaluate.ts';

interface DiffCase extends Case {
  area: string;
  input: {
    ignoreDifferences: IgnoreDifference[];
    overrides: Record<string, object>;
    object: KubeObject;
    config: KubeObject;
    target: KubeObject | null;
    live: KubeObject | null;
    dryRunResult: KubeObject;
    hideAnnotations: Record<string, boolean> | null;
  };
  options: { manager?: string };
}

const predicted =
  'the API server answers what an apply would give; nothing is predicted from manifests, and spelling and defaults can never differ (docs/adr/0009)';

const judges: Record<string, (testCase: DiffCase) => Verdict> = {
  ignoreDifferences: judgeIgnored,
  hideSecretData: judgeMasked,
  serverSide: judgeServerSide,
  diff: () => ({ deviates: predicted }),
  twoWay: () => ({ deviates: predicted }),
  structuredMerge: () => ({ deviates: predicted }),
  state: () => ({ deviates: predicted }),
  knownTypes: () => ({ deviates: predicted }),
  normalizeSecret: () => ({ deviates: predicted }),
  managedFields: () => ({
    deviates:
      'fields of trusted managers are taken out of what is compared, and no object is made without them (docs/adr/0009)',
  }),
};

/** What differs between desired and live, and what of that is ignored or hidden. */
export const argocdDiff: Suite = {
  name: 'argocd/diff',
  kind: 'file',
  run: (path) =>
    judgeCases<DiffCase>(path, (testCase) => {
      const judge = judges[testCase.area.replace('diff.', '')];
      return judge === undefined ? `area ${testCase.area} is unknown` : judge(testCase);
    }),
};

/** From the Application and `argocd-cm`, by way of the policy in the document, to what the agent compares. */
function judgeIgnored({ input, expected }: DiffCase): Verdict {
  const overrides = Object.entries(input.overrides ?? {}).map(([kind, rule]) => [kind, { ignoreDifferences: rule }]);
  const settings = { 'resource.customizations': JSON.stringify(Object.fromEntries(overrides)) };
  const { ignored, problems } = readCompareSettings(settings);
  const spec = { project: 'default', destination: {}, ignoreDifferences: input.ignoreDifferences };
  const rules = compileIgnore(assignedPolicy(spec, { ignored }).ignoreDifferences);
  const refused = [...problems, ...rules.unsupported];
  if (expectsError(expected)) return refused.length > 0 ? undefined : 'is understood, expected an error';
  return whyDifferent(withoutIgnored(input.object, rules.find(refOf(input.object))), expected);
}

function judgeMasked({ input: { live, target, hideAnnotations }, expected }: DiffCase): Verdict {
  if (Object.keys(hideAnnotations ?? {}).some((name) => isAnnotated(live, name) || isAnnotated(target, name)))
    return { notBuilt: 'resource.sensitive.mask.annotations of argocd-cm' };
  if (expectsError(expected)) return { deviates: 'what is no Secret as Kubernetes knows it is masked, not refused' };
  const shown = maskSecrets({ ...(live ? { live } : {}), ...(target ? { desired: target } : {}) });
  return whyDifferent(withoutEmpty({ live: shown.live, target: shown.desired }), withoutEmpty(expected));
}

/** By itself, or in what kubectl remembers of the object. */
function isAnnotated(object: KubeObject | null, name: string): boolean {
  return JSON.stringify(object?.metadata?.annotations ?? {}).includes(name);
}

/** Both of what a status says and what a diff shows; which object is shown is the API server's answer. */
function judgeServerSide({ input, options, expected }: DiffCase): Verdict {
  const live = managedHere(input.live as KubeObject, options.manager);
  const dry = managedHere(input.dryRunResult, options.manager);
  if (dry.metadata.uid !== live.metadata.uid)
    return {
      deviates: 'an API server answers with the object as it is there; what nobody took away is not missing from it',
    };
  const { modified } = expected as { modified: boolean };
  const ref = refOf(live);
  return (
    whyDifferent({ outOfSync: !wouldChangeNothing(dry, live, undefined) }, { outOfSync: modified }) ??
    whyDifferent({ shown: diffResource({ ref, live, desired: dry }) !== undefined }, { shown: modified })
  );
}

/** As if this product had applied what the case has applied by Argo CD. */
function managedHere(object: KubeObject, manager: string | undefined): KubeObject {
  const managedFields = object.metadata.managedFields?.map((entry) =>
    entry.manager === manager ? { ...entry, manager: fieldManager } : entry,
  );
  return { ...object, metadata: { ...object.metadata, ...(managedFields ? { managedFields } : {}) } };
}
