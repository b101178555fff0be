import { posix } from 'node:path';
import { type FunctionMap, fn } from '../go-function.ts';

/** Go: `path.Base`. */
export function basePath(path: string): string {
  if (path === '') return '.';
  const trimmed = path.replace(/\/+$/, '');
  return trimmed === '' ? '/' : trimmed.slice(trimmed.lastIndexOf('/') + 1);
}

function cleanPath(path: string): string {
  const clean = posix.normalize(path);
  return clean.length > 1 && clean.endsWith('/') ? clean.slice(0, -1) : clean;
}

/** Go: `path.Dir`. */
export function directoryOf(path: string): string {
  return cleanPath(path.slice(0, path.lastIndexOf('/') + 1));
}

function extension(path: string): string {
  const dot = path.lastIndexOf('.');
  return dot > path.lastIndexOf('/') ? path.slice(dot) : '';
}

const base = fn(['string'], basePath);
const dir = fn(['string'], directoryOf);
const clean = fn(['string'], cleanPath);
const ext = fn(['string'], extension);
const isAbs = fn(['string'], (path) => path.startsWith('/'));

/** sprig: slash-separated paths; the `os` twins are the same on Linux. */
export const pathFunctions: FunctionMap = {
  base,
  dir,
  clean,
  ext,
  isAbs,
  osBase: base,
  osDir: dir,
  osClean: clean,
  osExt: ext,
  osIsAbs: isAbs,
};
