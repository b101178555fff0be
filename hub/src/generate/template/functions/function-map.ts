import type { FunctionMap } from '../go-function.ts';
import { builtinFunctions } from './builtin.ts';
import { certificateFunctions } from './certificates.ts';
import { cryptoFunctions } from './crypto.ts';
import { dateFunctions } from './dates.ts';
import { decimalFunctions } from './decimals.ts';
import { defaultFunctions } from './defaults.ts';
import { dictFunctions } from './dicts.ts';
import { encodingFunctions } from './encoding.ts';
import { letterCaseFunctions } from './letter-case.ts';
import { listFunctions } from './lists.ts';
import { mathFunctions } from './math.ts';
import { nameFunctions } from './names.ts';
import { pathFunctions } from './paths.ts';
import { reflectionFunctions } from './reflection.ts';
import { regexFunctions } from './regex.ts';
import { semverFunctions } from './semver.ts';
import { stringFunctions } from './strings.ts';
import { urlFunctions } from './urls.ts';

/** Argo CD: Go's own functions, sprig without `env`, `expandenv` and `getHostByName`, and five of Argo CD's. */
export const templateFunctions: FunctionMap = Object.assign(
  Object.create(null) as FunctionMap,
  builtinFunctions,
  certificateFunctions,
  cryptoFunctions,
  dateFunctions,
  decimalFunctions,
  defaultFunctions,
  dictFunctions,
  encodingFunctions,
  letterCaseFunctions,
  listFunctions,
  mathFunctions,
  nameFunctions,
  pathFunctions,
  reflectionFunctions,
  regexFunctions,
  semverFunctions,
  stringFunctions,
  urlFunctions,
);

export function whyNotCallable(name: string): string | undefined {
  if (templateFunctions[name] !== undefined) return undefined;
  return `function ${JSON.stringify(name)} not defined`;
}
