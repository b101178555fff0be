import type { SourceType } from './discover.ts';
import type { RenderInput } from './inputs.ts';
import type { ManifestText } from './manifests.ts';

/** A render of one source that knows what it depends upon, before it is run. */
export interface RenderPlan {
  sourceType: SourceType;
  toolVersion: string;
  inputs: RenderInput[];
  warnings: string[];
  run(signal: AbortSignal): Promise<ManifestText[]>;
}
