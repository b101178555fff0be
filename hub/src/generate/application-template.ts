import type { Application } from '@wheelhouse/shared/resources/application';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import { projectNameOf } from '@wheelhouse/shared/resources/defaults';
import type { ApplicationSetTemplate, GeneratorTemplate } from '@wheelhouse/shared/resources/generator';
import { acceptsAnyText, asChecked, type CheckedApplication, checkApplication } from './check-application.ts';
import { compileObject, compileText } from './object-template.ts';
import { deepCopyMap, mergeInto } from './template/merge.ts';
import type { Render, TemplateCompiler } from './template/template.ts';
import type { GoMap } from './template/value.ts';
import { applyTemplatePatch } from './template-patch.ts';

/** Argo CD: with it, deleting an Application deletes its workloads. */
const resourcesFinalizer = 'resources-finalizer.argocd.argoproj.io';

export interface ApplicationTemplate {
  /** The name alone, for the message about an Application that cannot be made. */
  name: Render;
  /** Throws a FleetError: TemplateFailed, or Invalid when the result is no Application. */
  make(params: GoMap): CheckedApplication;
}

/**
 * Compiles the template of an ApplicationSet with a generator's own over it. Throws a FleetError TemplateFailed that
 * names the field which is no template.
 */
export function compileApplicationTemplate(
  applicationSet: ApplicationSet,
  own: GeneratorTemplate | undefined,
  compiler: TemplateCompiler,
): ApplicationTemplate {
  const template = mergeTemplates(applicationSet.spec.template, own);
  const bare = skeleton(template, applicationSet);
  const render = compileObject(withFinalizer(bare, applicationSet), compiler, 'spec.template');
  const patch = compilePatch(applicationSet.spec.templatePatch, compiler);
  const check = patch === undefined && acceptsAnyText(bare) ? asChecked : checkApplication;
  return {
    name: compileText(template.metadata.name ?? '', compiler, 'spec.template.metadata.name'),
    make(params) {
      // Argo CD: an element without parameters yields the template as it stands.
      const rendered = Object.keys(params).length === 0 ? bare : (render(params) as Application);
      return check(patch === undefined ? rendered : patch(rendered, params));
    },
  };
}

/** Argo CD: what the generator's template has wins; what it lacks or has empty comes from the set's. */
function mergeTemplates(set: ApplicationSetTemplate, own: GeneratorTemplate | undefined): ApplicationSetTemplate {
  if (own === undefined) return set;
  const merged: unknown = mergeInto(deepCopyMap(own), deepCopyMap(set), false);
  // the set's own template is whole, and whatever it has is there
  return merged as ApplicationSetTemplate;
}

/** An Application of texts that are still templates. Always in the set's namespace, whatever the template says. */
function skeleton({ metadata, spec }: ApplicationSetTemplate, applicationSet: ApplicationSet): Application {
  const { name = '', labels, annotations, finalizers } = metadata;
  const owner = applicationSet.metadata;
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: {
      name,
      namespace: owner.namespace,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [
        {
          apiVersion: 'argoproj.io/v1alpha1',
          kind: 'ApplicationSet',
          name: owner.name,
          uid: owner.uid ?? '',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: { ...spec, project: projectNameOf(spec), destination: spec.destination ?? {} } as Application['spec'],
  };
}

/** Argo CD: added where the template has none, unless the set preserves resources on deletion. */
function withFinalizer(application: Application, { spec }: ApplicationSet): Application {
  const given = (application.metadata.finalizers ?? []).length > 0;
  if (given || spec.syncPolicy?.preserveResourcesOnDeletion === true) return application;
  return { ...application, metadata: { ...application.metadata, finalizers: [resourcesFinalizer] } };
}

type Patch = (application: Application, params: GoMap) => Application;

function compilePatch(text: string | undefined, compiler: TemplateCompiler): Patch | undefined {
  if (text === undefined) return undefined;
  const render = compileText(text, compiler, 'spec.templatePatch');
  return (application, params) => {
    const { metadata, spec } = applyTemplatePatch(application, render(params));
    // Argo CD: only metadata and spec of a generated Application count, and its namespace cannot be patched.
    const { apiVersion, kind } = application;
    return { apiVersion, kind, metadata: { ...metadata, namespace: application.metadata.namespace }, spec };
  };
}
