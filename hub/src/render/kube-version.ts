import { FleetError } from '@wheelhouse/shared/errors/fleet-error';

/**
 * A Kubernetes version as helm and kustomize take it: the leading numbers, without `v` and without what a distribution
 * appends (`v1.30.1-gke.100` is `1.30.1`). Kubernetes: apimachinery's version.ParseGeneric. '' stays ''. Throws Invalid.
 */
export function parseKubeVersion(text: string): string {
  if (text === '') return '';
  const numbers = /^\s*v?(?<numbers>\d+(?:\.\d+)+)/u.exec(text)?.groups?.['numbers'];
  if (numbers === undefined || /^0\d/u.test(numbers))
    throw new FleetError('Invalid', `kubeVersion ${text} is no Kubernetes version: write it as 1.30 or 1.30.1`);
  return numbers;
}
