import { evaluate } from '@wheelhouse/hub/generate/evaluate';
import { interpolate } from '@wheelhouse/hub/generate/generators/interpolate';
import { compileObject } from '@wheelhouse/hub/generate/object-template';
import { normalizeName, slugify } from '@wheelhouse/hub/generate/template/functions/names';
import type { GoMap } from '@wheelhouse/hub/generate/template/value';
import { applyTemplatePatch } from '@wheelhouse/hub/generate/template-patch';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import { type Case, expectsError, judgeCases, whyDifferent } from '../cases.ts';
import type { Suite } from '../suite.ts';
import { applicationSetOf, type CaseOptions, compilersFor, contextFor, withoutEmpty } from './argocd-evaluate.ts';

interface Input {
  template: string;
  params: GoMap | null;
  name: string;
  args: unknown[];
  generator: object;
  application: Application;
  syncPolicy?: { preserveResourcesOnDeletion?: boolean };
  patch: string;
  spec: ApplicationSet['spec'];
}

interface TemplatingCase extends Case {
  area: string;
  input: Input;
  options: CaseOptions & Record<string, unknown>;
}

const judges: Record<string, (input: Input, options: CaseOptions) => unknown> = {
  string: ({ template, params }, options) => compilersFor(options).compiler.render(template, params ?? {}),
  normalize: ({ name }) => normalizeName(name),
  slugify: ({ args }) => slugifyCase(args),
  generator: ({ generator, params }, options) => interpolate(generator, params ?? {}, contextFor(options)),
  application: (input, options) => applicationCase(input, options),
  patch: ({ application, patch }) => applyTemplatePatch(application, patch),
};

/** Rendering of single texts and of whole Applications. */
export const argocdTemplating: Suite = {
  name: 'argocd/templating',
  kind: 'file',
  run: (path) =>
    judgeCases<TemplatingCase>(path, async ({ area, input, options, expected }) => {
      if (area === 'templating.appset') return await judgeSet(input.spec, expected);
      const judge = judges[area.replace('templating.', '')];
      if (judge === undefined) return `area ${area} is unknown`;
      let actual: unknown;
      try {
        actual = judge(input, options);
      } catch (error) {
        return expectsError(expected) ? undefined : `failed: ${error instanceof Error ? error.message : String(error)}`;
      }
      if (expectsError(expected)) return `is ${JSON.stringify(actual)}, expected an error`;
      return whyDifferent(withoutEmpty(actual), withoutEmpty(expected));
    }),
};

function slugifyCase(args: unknown[]): string {
  const [name] = args.slice(-1) as [string?];
  const maxLength = args.length > 1 ? Number(args[0]) : undefined;
  return slugify(name ?? '', maxLength, args.length > 2 ? args[1] === true : undefined);
}

/** Argo CD renders any Application; here the template of a set is one without uid and status, so the parts are used. */
function applicationCase({ application, params, syncPolicy }: Input, options: CaseOptions): unknown {
  if (Object.keys(params ?? {}).length === 0) return application;
  const rendered = compileObject(application, compilersFor(options).compiler)(params ?? {}) as Application;
  const keeps = syncPolicy?.preserveResourcesOnDeletion === true || (rendered.metadata.finalizers ?? []).length > 0;
  if (keeps) return rendered;
  const finalizers = ['resources-finalizer.argocd.argoproj.io'];
  return { ...rendered, metadata: { ...rendered.metadata, finalizers } };
}

interface ExpectedSet {
  applications: unknown[];
  error?: string;
}

async function judgeSet(spec: ApplicationSet['spec'], expected: unknown): Promise<string | undefined> {
  const outcome = await evaluate(applicationSetOf(spec), contextFor(spec));
  const { applications, error } = expected as ExpectedSet;
  const failed = outcome.failures.length + outcome.errors.length > 0;
  if (failed !== (error !== undefined))
    return `${failed ? 'fails' : 'does not fail'}: ${JSON.stringify([...outcome.failures.map(String), ...outcome.errors])}`;
  return whyDifferent(withoutEmpty(outcome.applications.map(plain)), withoutEmpty(applications));
}

/** Without what Argo CD adds only when it writes the object. */
function plain({ metadata, spec }: Application): unknown {
  const { ownerReferences: _, ...rest } = metadata;
  return { metadata: rest, spec };
}
