import type { Render } from './go-template.ts';
import { TemplateError } from './template-error.ts';

interface Tag {
  /** As written, with its spaces. */
  raw: string;
  key: string;
}

/** fasttemplate as Argo CD uses it: `{{key}}` for keys that hold a string, every other tag stays as it is. */
export function compileFastTemplate(text: string): Render {
  // Argo CD: a text without both delimiters on one line is not a template.
  if (!/\{\{.*\}\}/.test(text)) return () => text;
  const segments: (string | Tag)[] = [];
  let at = 0;
  for (let open = text.indexOf('{{'); open >= 0; open = text.indexOf('{{', at)) {
    segments.push(text.slice(at, open));
    const close = text.indexOf('}}', open + 2);
    if (close < 0)
      throw new TemplateError(
        `invalid template: cannot find end tag="}}" in the template=${JSON.stringify(text)} starting from ${JSON.stringify(text.slice(open + 2))}`,
      );
    const raw = text.slice(open + 2, close);
    segments.push({ raw, key: raw.trim() });
    at = close + 2;
  }
  segments.push(text.slice(at));
  return (params) => {
    let output = '';
    for (const segment of segments) {
      if (typeof segment === 'string') output += segment;
      else output += valueOf(segment, params);
    }
    return output;
  };
}

function valueOf({ raw, key }: Tag, params: Parameters<Render>[0]): string {
  const value = key !== '' && Object.hasOwn(params, key) ? params[key] : undefined;
  return typeof value === 'string' ? value : `{{${raw}}}`;
}
