const resources: ReadonlySet<string> = new Set([
  'applications',
  'applicationsets',
  'logs',
  'exec',
  'clusters',
  'repositories',
]);
const actions: ReadonlySet<string> = new Set([
  'get',
  'create',
  'update',
  'delete',
  'sync',
  'override',
  'rollback',
  '*',
]);

/** Argo CD: why a line of a project role's policies cannot stand, or nothing. */
export function whyPolicyInvalid(project: string, role: string, policy: string): string | undefined {
  const parts = policy.split(',').map((part) => part.replaceAll(/^ +| +$/g, ''));
  if (parts.length !== 6 || parts[0] !== 'p')
    return 'must be of the form "p, subject, resource, action, object, effect"';
  const [, subject, resource, action, object, effect] = parts as [string, string, string, string, string, string];
  const rules: [boolean, string][] = [
    [subject === `proj:${project}:${role}`, `the subject must be proj:${project}:${role}`],
    [resources.has(resource), `the resource must be one of ${[...resources].join(', ')}`],
    [actions.has(action) || /(action|update|delete)\/.*/.test(action), `unknown action "${action}"`],
    [isObjectOf(project, object), `the object must be ${project}/NAME or ${project}/NAMESPACE/NAME`],
    [effect === 'allow' || effect === 'deny', 'the effect must be allow or deny'],
  ];
  return rules.find(([holds]) => !holds)?.[1];
}

function isObjectOf(project: string, object: string): boolean {
  return object.startsWith(`${project}/`) && /^(\/[*\w.-]+)?\/[*\w.-]+$/.test(object.slice(project.length));
}

/** Argo CD: why the name of a group cannot stand, or nothing. */
export function whyGroupInvalid(group: string): string | undefined {
  const trimmed = group.trim();
  const isQuoted = trimmed.length > 1 && trimmed.startsWith('"') && trimmed.endsWith('"');
  if (!isQuoted && trimmed.includes(',')) return 'must be quoted, because it holds a comma';
  const name = isQuoted ? trimmed.slice(1, -1) : trimmed;
  if (name === '') return 'is empty';
  if (/["\n\r\t]/.test(name)) return 'holds a quote, a tab or a line break';
  return group.length > 1 && /^\s|\s$/.test(group) ? 'begins or ends with a space' : undefined;
}
