/** What GitHub says when version 1.2.0 of `charts/web` was pushed to ghcr.io. */
export function ghcrEvent({ owner = 'acme', type = 'container' }: { owner?: string; type?: string } = {}) {
  return {
    action: 'published',
    package: {
      name: 'charts/web',
      package_type: type,
      owner: { login: owner },
      package_version: { container_metadata: { tag: { name: '1.2.0' } } },
    },
  };
}
