import { filesChanged, refreshPaths } from '@wheelhouse/hub/source/refresh-paths';
import { type Case, judgeCases, whyDifferent } from '../cases.ts';
import type { Suite } from '../suite.ts';

interface PathsCase extends Case {
  area: string;
  input: {
    annotations: Record<string, string> | null;
    source: { path?: string };
    sourceHydrator: { syncSource: { path?: string } } | null;
    refreshPaths: string[];
    changedFiles: string[];
  };
}

/** The annotation manifest-generate-paths. */
export const argocdPaths: Suite = {
  name: 'argocd/paths',
  kind: 'file',
  run: (path) =>
    judgeCases<PathsCase>(path, ({ area, input, expected }) => {
      const { annotations, source, sourceHydrator } = input;
      if (area === 'paths.refreshPaths')
        return whyDifferent(refreshPaths(annotations, source, sourceHydrator?.syncSource), expected ?? []);
      if (area === 'paths.filesChanged')
        return whyDifferent(filesChanged(input.refreshPaths, input.changedFiles), expected);
      return `area ${area} is unknown`;
    }),
};
