import type { Application } from './application.ts';

/** On an Application, mostly by the template of its ApplicationSet: `true` keeps it ready without running. */
export const standbyAnnotation = 'wheelhouse.dev/standby';

export function isStandby({ metadata }: Pick<Application, 'metadata'>): boolean {
  return metadata.annotations?.[standbyAnnotation] === 'true';
}

/** A value that means nothing must neither start nor stop anything. */
export function whyNotStandby({ metadata }: Pick<Application, 'metadata'>): string | undefined {
  const value = metadata.annotations?.[standbyAnnotation];
  if (value === undefined || ['true', 'false', ''].includes(value)) return undefined;
  return `application ${metadata.name}: ${standbyAnnotation}: ${JSON.stringify(value)} is neither true nor false`;
}

/** The Application as a standby, or as one that runs; the same object where it is already. */
export function withStandby(application: Application, standby: boolean): Application {
  if (isStandby(application) === standby) return application;
  const { metadata } = application;
  return {
    ...application,
    metadata: { ...metadata, annotations: { ...metadata.annotations, [standbyAnnotation]: String(standby) } },
  };
}
