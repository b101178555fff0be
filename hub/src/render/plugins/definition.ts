import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { parseYaml } from '@wheelhouse/shared/kube/yaml';
import { flag, text, texts } from '@wheelhouse/shared/resources/fields';
import { z } from 'zod';
import { type Announcement, announcement } from './announcement.ts';
import { compilePluginGlob } from './plugin-glob.ts';

const command = z.strictObject({ command: texts, args: texts });
const needsProgram = { message: 'args without command: name the program to run', path: ['command'] };
const hasProgram = (line: { command?: string[]; args?: string[] }) => !line.args?.length || !!line.command?.length;
const optionalCommand = command.refine(hasProgram, needsProgram).exactOptional();

const schema = z.strictObject({
  apiVersion: z.literal('argoproj.io/v1alpha1'),
  kind: z.literal('ConfigManagementPlugin'),
  metadata: z.looseObject({ name: z.string().min(1) }),
  spec: z.strictObject({
    version: text,
    init: optionalCommand,
    generate: command.refine((line) => !!line.command?.length, {
      message: 'name the program to run',
      path: ['command'],
    }),
    discover: z
      .strictObject({
        fileName: text,
        find: z
          .strictObject({ glob: text, command: texts, args: texts })
          .refine(hasProgram, needsProgram)
          .exactOptional(),
      })
      .exactOptional(),
    parameters: z
      .strictObject({ static: z.array(announcement).exactOptional(), dynamic: optionalCommand })
      .exactOptional(),
    preserveFileMode: flag,
    provideGitCreds: flag,
  }),
});

/** How a plugin tells whether a source is for it: by what is in its folder, or by what a command prints there. */
export type PluginDiscovery = { matches(path: string): boolean } | { command: readonly string[] };

/** Argo CD: ConfigManagementPlugin. Command lines are ready to run. */
export interface PluginDefinition {
  /** As sources name it: with `-` and the version, where there is one. */
  name: string;
  init: readonly string[];
  generate: readonly string[];
  discovery?: PluginDiscovery;
  /** Whether files keep that they are executable. */
  preserveFileMode: boolean;
  /** What it was read from, as far as it changes what is done. */
  spec: object;
  /** What it says that it can be given: by itself, and by the command that prints more. */
  parameters: { announced: readonly Announcement[]; dynamic: readonly string[] };
}

/** Throws Malformed, UnknownField and Invalid, naming the file and the field; Unsupported for what the sandbox cannot give. */
export function parsePlugin(file: string, content: string): PluginDefinition {
  const { metadata, spec } = parse(file, content);
  if (spec.provideGitCreds)
    throw new FleetError(
      'Unsupported',
      `plugin ${file}: spec.provideGitCreds: plugins have no network and are given no logins: leave it out, and have remote files in the repository or in another source`,
    );
  const discovery = discoveryOf(file, spec.discover ?? {});
  return {
    name: spec.version ? `${metadata.name}-${spec.version}` : metadata.name,
    init: lineOf(spec.init ?? {}),
    generate: lineOf(spec.generate),
    ...(discovery ? { discovery } : {}),
    preserveFileMode: spec.preserveFileMode ?? false,
    spec,
    parameters: parametersOf(spec.parameters ?? {}),
  };
}

function parse(file: string, content: string): z.infer<typeof schema> {
  let document: unknown;
  try {
    document = parseYaml(content);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new FleetError('Malformed', `plugin ${file}: ${reason}`, { cause: error });
  }
  const parsed = schema.safeParse(document);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new FleetError(
    issue?.code === 'unrecognized_keys' ? 'UnknownField' : 'Invalid',
    `plugin ${file}: ${issue?.path.join('.') || 'document'}: ${issue?.message}`,
  );
}

type Discover = NonNullable<z.infer<typeof schema>['spec']['discover']>;

/** Argo CD: the first of fileName, find.glob and find.command counts. */
function discoveryOf(file: string, { fileName, find = {} }: Discover): PluginDiscovery | undefined {
  if (fileName) return { matches: compilePluginGlob(fileName, { what: `plugin ${file}: spec.discover.fileName` }) };
  if (find.glob)
    return {
      matches: compilePluginGlob(find.glob, { what: `plugin ${file}: spec.discover.find.glob`, isDeep: true }),
    };
  const line = lineOf(find);
  return line.length > 0 ? { command: line } : undefined;
}

type Parameters = NonNullable<z.infer<typeof schema>['spec']['parameters']>;

function parametersOf({ static: announced = [], dynamic = {} }: Parameters): PluginDefinition['parameters'] {
  return { announced, dynamic: lineOf(dynamic) };
}

function lineOf({ command: program = [], args = [] }: { command?: string[]; args?: string[] }): string[] {
  return [...program, ...args];
}
