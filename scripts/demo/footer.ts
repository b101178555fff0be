import { join, relative } from 'node:path';
import type { Platform } from '@wheelhouse/test/support/platform';
import { demoRoot } from './layout.ts';

/** Where everything is, and three things to try; the README prints the same commands. */
export function formatFooter(options: { platform: Platform; kubernetes: boolean; traces: string | undefined }): string {
  const { platform, kubernetes, traces } = options;
  const here = (path: string) => relative(process.cwd(), path) || '.';
  const shop = here(join(demoRoot, 'shop'));
  return [
    '',
    `API          ${platform.hubs[0]?.url}  (CA ${here(platform.caFile)})`,
    `admin token  ${here(platform.adminTokenFile)}`,
    `logs         ${here(platform.dir)}/*.log`,
    ...(kubernetes ? [`kubeconfigs  ${here(platform.dir)}/*.kubeconfig`] : []),
    ...(traces ? [`traces       ${traces}  (the last commit's: npm run demo -- trace)`] : []),
    '',
    'Try, in another terminal:',
    '  1. commit a change, and watch it roll out',
    `     sed -i 's/replicas: 2/replicas: 4/' ${shop}/services/checkout/manifests.yaml`,
    `     git -C ${shop} commit -qam 'Scale checkout' && git -C ${shop} push -q`,
    '  2. break something by hand, and watch it heal',
    '     npm run demo -- break us-east',
    '  3. relabel a cluster, and watch the shop open in Europe',
    '     npm run wheelhouse -- cluster label eu-central environment=production --yes',
    '',
    'Ctrl-C ends everything; npm start goes on from here; npm start -- --reset forgets it.',
    '',
    '',
  ].join('\n');
}
