/** What an agent needs in its cluster, as objects: the same that the chart deploy/helm/spoke-agent renders with its defaults. */
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { formatYaml } from '@wheelhouse/shared/kube/yaml';

const name = 'wheelhouse-agent';
const agentNamespace = 'wheelhouse';
const labels = { 'app.kubernetes.io/name': name };
const user = 10_001;

export interface AgentManifestOptions {
  /** Enrolment token. */
  token: string;
  /** Tag of the image. */
  version: string;
  /** Name that the cluster takes, where the token is for a pattern. */
  clusterName?: string | undefined;
}

/** YAML for `kubectl apply -f -`. It holds the token: once used, that is worth nothing. */
export function formatAgentManifest(options: AgentManifestOptions): string {
  return agentObjects(options)
    .map((object) => formatYaml(object))
    .join('---\n');
}

/** The ways to start the agent, ready to be copied: by helm from a checkout, by kubectl alone, as a process. */
export function formatInstallation(options: AgentManifestOptions, expiresAt: string): string {
  const named = options.clusterName === undefined ? '' : ` --set-string clusterName=${options.clusterName}`;
  return [
    `# valid once, until ${expiresAt}; each of these starts the agent of the cluster:`,
    '',
    '# with helm, in a checkout',
    `helm install ${name} deploy/helm/spoke-agent --namespace ${agentNamespace} --create-namespace --set-string token=${options.token}${named}`,
    '',
    '# with kubectl',
    "kubectl apply -f - <<'MANIFEST'",
    `${formatAgentManifest(options)}MANIFEST`,
    '',
    '# as a process, outside of the cluster',
    `wheelhouse agent --token ${options.token} --kubeconfig FILE`,
    '',
  ].join('\n');
}

function agentObjects(options: AgentManifestOptions): KubeObject[] {
  const metadata = { name, namespace: agentNamespace, labels };
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: agentNamespace } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata, automountServiceAccountToken: true },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name, labels },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'ServiceAccount', name, namespace: agentNamespace }],
    },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { ...metadata, name: `${name}-token` },
      type: 'Opaque',
      stringData: { token: options.token },
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata,
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    },
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: deploymentSpec(options) },
  ];
}

function deploymentSpec(options: AgentManifestOptions) {
  return {
    // the hub takes two agents with one identity for a theft, and shuts both out
    replicas: 1,
    strategy: { type: 'Recreate' },
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: {
        serviceAccountName: name,
        terminationGracePeriodSeconds: 30,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: user,
          runAsGroup: user,
          fsGroup: user,
          seccompProfile: { type: 'RuntimeDefault' },
        },
        containers: [container(options)],
        volumes: [
          { name: 'data', persistentVolumeClaim: { claimName: name } },
          { name: 'tmp', emptyDir: {} },
        ],
      },
    },
  };
}

function container({ version, clusterName }: AgentManifestOptions) {
  return {
    name: 'agent',
    image: `wheelhouse/spoke-agent:${version}`,
    imagePullPolicy: 'IfNotPresent',
    env: [
      {
        name: 'WHEELHOUSE_TOKEN',
        valueFrom: { secretKeyRef: { name: `${name}-token`, key: 'token', optional: true } },
      },
      { name: 'WHEELHOUSE_STATE_DIR', value: '/data' },
      { name: 'WHEELHOUSE_HEALTH_FILE', value: '/tmp/health' },
      { name: 'WHEELHOUSE_LOG_LEVEL', value: 'info' },
      ...(clusterName === undefined ? [] : [{ name: 'WHEELHOUSE_CLUSTER_NAME', value: clusterName }]),
    ],
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    startupProbe: { ...isAlive, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 30 },
    livenessProbe: { ...isAlive, periodSeconds: 20, timeoutSeconds: 5, failureThreshold: 3 },
    resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } },
    volumeMounts: [
      { name: 'data', mountPath: '/data' },
      { name: 'tmp', mountPath: '/tmp' },
    ],
  };
}

/** The agent rewrites the file every 10 s. */
const isAlive = {
  exec: {
    command: [
      'node',
      '-e',
      "process.exit(Date.now() - require('node:fs').statSync('/tmp/health').mtimeMs < 30000 ? 0 : 1)",
    ],
  },
};
