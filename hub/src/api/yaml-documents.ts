import { parseYamlStream } from '@wheelhouse/shared/kube/yaml';

/** One document of a YAML stream, not yet read. */
export interface YamlDocument {
  text: string;
  /** Line of the stream that it begins on, from 1. */
  line: number;
}

/** Cuts a stream where Kubernetes does, before each line that begins with `---`, so that one bad document does not spoil the others. */
export function splitDocuments(stream: string): YamlDocument[] {
  const documents: YamlDocument[] = [];
  let line = 1;
  for (const text of stream.split(/^(?=---)/m)) {
    documents.push({ text, line });
    line += text.split('\n').length - 1;
  }
  return documents;
}

/** The objects of a document: none if it is empty, the items of a `List`. Throws Malformed with the line of the stream. */
export function readObjects({ text, line }: YamlDocument): unknown[] {
  return parseYamlStream(text, { duplicateKeys: 'refuse', firstLine: line })
    .filter((value) => value !== null)
    .flatMap((value) => {
      const { kind, items } = value as { kind?: unknown; items?: unknown };
      return kind === 'List' && Array.isArray(items) ? (items as unknown[]) : [value];
    });
}
