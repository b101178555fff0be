/**
 * Template texts as Argo CD's ApplicationSets use them, in both languages. Duty: compile a text once and render it with
 * many sets of parameters. Inputs: the text and the set's `goTemplate` and `goTemplateOptions`. Rendering never changes
 * the parameters, reads no environment, file or network, and is bounded in steps, depth and text length.
 */
import { LRUCache } from 'lru-cache';
import { compileFastTemplate } from './fast-template.ts';
import { compileGoTemplate, parseTemplateOptions, type Render } from './go-template.ts';
import type { GoMap } from './value.ts';

export type { Render } from './go-template.ts';

export interface Language {
  goTemplate: boolean;
  /** Go template options, such as `missingkey=error`. */
  options: readonly string[];
}

export interface TemplateCompiler {
  readonly goTemplate: boolean;
  /** Compiles a text, or finds it compiled. Throws a TemplateError when the text is no template. */
  compile(text: string): Render;
  render(text: string, params: GoMap): string;
}

/** Texts that one compiler keeps compiled; a matrix interpolates one generator with thousands of parameters. */
const maxCompiled = 2000;

/** A compiler for one language, with its own bounded cache. Throws a TemplateError on an unknown option. */
export function createTemplateCompiler({ goTemplate, options }: Language): TemplateCompiler {
  const missingKey = goTemplate ? parseTemplateOptions(options) : 'default';
  const cache = new LRUCache<string, Render>({ max: maxCompiled });
  function compile(text: string): Render {
    const known = cache.get(text);
    if (known !== undefined) return known;
    const render = goTemplate ? compileGoTemplate(text, missingKey) : compileFastTemplate(text);
    cache.set(text, render);
    return render;
  }
  return { goTemplate, compile, render: (text, params) => compile(text)(params) };
}
