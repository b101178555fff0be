import { matchesGlob } from '@wheelhouse/shared/glob/gobwas';
import type { AppProjectSpec } from '@wheelhouse/shared/resources/app-project';
import { RE2JS } from 're2js';

/** Argo CD: Applications of the control namespace are always permitted, of others where `sourceNamespaces` names them. */
export function isNamespacePermitted(
  { sourceNamespaces = [] }: AppProjectSpec,
  namespace: string,
  controlNamespace: string,
): boolean {
  if (namespace === '' || namespace === controlNamespace) return true;
  return sourceNamespaces.some((pattern) => matchesExpression(pattern, namespace) || matchesGlob(pattern, namespace));
}

/** A pattern between slashes is a regular expression. */
function matchesExpression(pattern: string, text: string): boolean {
  if (pattern.length <= 2 || !pattern.startsWith('/') || !pattern.endsWith('/')) return false;
  try {
    return RE2JS.compile(pattern.slice(1, -1)).matcher(text).find();
  } catch {
    // Argo CD: an expression that cannot be read matches nothing.
    return false;
  }
}
