// `npm run doctor`: what is on this machine, where, and what to do about what is missing. Changes nothing.

import { tools } from '@wheelhouse/test/support/tools';
import { findGo } from './install.ts';
import {
  type Found,
  findOnPath,
  findProgram,
  isOptional,
  type Profile,
  type Program,
  programs,
  readVersion,
  whyNotUsable,
} from './programs.ts';
import { formatTable } from './table.ts';

interface Row {
  program: string;
  wanted: string;
  found: string;
  where: string;
  'what to do': string;
}

const testsOf: Partial<Record<Profile, string>> = {
  containers: 'the container tests',
  gitea: 'the tests that ask a code host',
};

async function rowOf(program: Program): Promise<Row> {
  const pinned = 'tool' in program.from ? ` (${tools[program.from.tool].version})` : '';
  const wanted = `>= ${program.minimum}${pinned}`;
  const found = await findProgram(program);
  if (found) return { program: program.name, wanted, found: found.version, where: found.path, 'what to do': '' };
  const [other] = await findOnPath(program);
  return {
    program: program.name,
    wanted,
    found: other?.version ?? '-',
    where: other?.path ?? '-',
    'what to do': adviceOn(program, other),
  };
}

function adviceOn(program: Program, other: Found | undefined): string {
  const { profiles } = program;
  const purpose = isOptional(program) ? `optional, for ${profiles.map((name) => testsOf[name]).join()}: ` : '';
  const reason = other ? `${whyNotUsable(program, other)}; ` : '';
  return `${purpose}${reason}npm run setup -- ${profiles.join(' ')}`;
}

async function goRow(): Promise<Row> {
  const go = await findGo();
  const advice = go ? '' : 'needed only to build what is missing: https://go.dev/dl';
  return { program: 'go', wanted: '>= 1.26', found: go?.version ?? '-', where: go?.path ?? '-', 'what to do': advice };
}

async function engineRow(): Promise<Row> {
  const version = await readVersion('docker', ['version', '--format', '{{.Server.Version}}']);
  const advice = version ? '' : 'optional: only the container tests need a running engine';
  const where = process.env.DOCKER_HOST ?? '/var/run/docker.sock';
  return {
    program: 'docker',
    wanted: 'optional',
    found: version ?? '-',
    where: version ? where : '-',
    'what to do': advice,
  };
}

const node: Row = {
  program: 'node',
  wanted: '24',
  found: process.versions.node,
  where: process.execPath,
  'what to do': '',
};
const rows = [node, ...(await Promise.all([...programs.map(rowOf), goRow(), engineRow()]))];
process.stdout.write(`${formatTable(rows)}\n`);
const missing = programs.filter((program, index) => rows[index + 1]?.['what to do'] !== '' && !isOptional(program));
process.exitCode = missing.length > 0 ? 1 : 0;
