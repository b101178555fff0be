import { type FunctionMap, fn } from '../go-function.ts';
import { lowerCase, runes, upperCase } from '../letter.ts';

const isUpper = (char: string): boolean => /^\p{Lu}$/u.test(char);
const isSpace = (char: string): boolean => /^[\s\u0085]$/u.test(char);
const isConnector = (char: string): boolean => char === '-' || char === '_' || isSpace(char);

type WordKind = 'number' | 'upper' | 'alphabet' | 'connector' | 'punctuation' | 'other';
interface Word {
  kind: WordKind;
  text: string;
}

// xstrings: a text is a sequence of words; `HTTPStatus` is `HTTP`, `Status`.
const wordPattern =
  /(?<connector>[-_\s\u0085]+)|(?<punctuation>(?:(?![-_])\p{P})+)|(?<upper>\p{Lu}+(?=\p{Lu}\p{Ll})|\p{Lu}(?:\p{Lu}+|(?:(?!\p{Lu})\p{L})*))|(?<alphabet>(?:(?!\p{Lu})\p{L})+)|(?<number>\p{N}+)|(?<other>(?:(?![-_\s\u0085\p{L}\p{N}\p{P}])[\s\S])+)/gu;

function wordsOf(text: string): Word[] {
  return [...text.matchAll(wordPattern)].map((match) => {
    const [kind] = Object.entries(match.groups ?? {}).find(([, part]) => part !== undefined) ?? ['other'];
    return { kind: kind as WordKind, text: match[0] };
  });
}

function joinsWord(word: Word | undefined): boolean {
  return word?.kind === 'alphabet' || word?.kind === 'number';
}

function separates(word: Word | undefined): boolean {
  return word !== undefined && word.kind !== 'punctuation' && word.kind !== 'connector';
}

/** xstrings: lower-case words joined by a connector; a number belongs to the word before it unless letters follow. */
class Joiner {
  private readonly words: Word[];
  private readonly connector: string;
  private at = 0;
  private output = '';

  constructor(text: string, connector: string) {
    this.words = wordsOf(text);
    this.connector = connector;
  }

  run(): string {
    while (this.at < this.words.length - 1) this.step();
    this.take();
    return this.output;
  }

  private get word(): Word | undefined {
    return this.words[this.at];
  }

  /** Writes the current word and goes on to the next. */
  private take(): void {
    const { word } = this;
    if (word === undefined) return;
    if (word.kind === 'connector') this.output += this.connector.repeat(runes(word.text).length);
    else this.output += word.kind === 'upper' ? lowerCase(word.text) : word.text;
    this.at += 1;
  }

  private connect(): void {
    if (separates(this.word)) this.output += this.connector;
  }

  private step(): void {
    const previous = this.word?.kind;
    this.take();
    if (previous === 'number') {
      while (joinsWord(this.word)) this.take();
      this.connect();
    } else if (previous === 'upper' || previous === 'alphabet' || previous === 'other') this.afterLetters();
  }

  private afterLetters(): void {
    if (this.word?.kind !== 'number') return this.connect();
    if (this.at === this.words.length - 1) return;
    if (this.words[this.at + 1]?.kind !== 'alphabet') {
      this.take();
      return this.connect();
    }
    this.output += this.connector;
    this.take();
    while (joinsWord(this.word)) this.take();
    this.connect();
  }
}

/** xstrings: upper camel case; connectors at the ends stay. */
function pascalCase(text: string): string {
  const chars = runes(text);
  const begin = chars.findIndex((char) => !isConnector(char));
  if (begin < 0) return text;
  let output = chars.slice(0, begin).join('');
  let previous = upperCase(chars[begin] ?? '');
  let upperRun = isUpper(chars[begin] ?? '');
  for (const char of chars.slice(begin + 1)) {
    let next = char;
    if (isConnector(char) && isConnector(previous)) output += previous;
    else if (isConnector(previous)) {
      upperRun = isUpper(char);
      next = upperCase(char);
    } else {
      if (upperRun && isUpper(char)) next = lowerCase(char);
      else upperRun = false;
      output += previous;
    }
    previous = next;
  }
  return output + previous;
}

function title(text: string): string {
  return text.replaceAll(/(?<![\p{L}\p{Nd}_\p{M}])\p{L}/gu, (char) => upperCase(char));
}

function untitle(text: string): string {
  return text.replaceAll(/(?<=^|[\s\u0085])[^\s\u0085]/gu, (char) => lowerCase(char));
}

function swapCase(text: string): string {
  return runes(text)
    .map((char) => (isUpper(char) ? lowerCase(char) : upperCase(char)))
    .join('');
}

function initials(text: string): string {
  return [...asBytes(text).matchAll(/(?<=^|[\t\n\v\f\r \x85\xa0])[^\t\n\v\f\r \x85\xa0]/g)]
    .map(([char]) => char)
    .join('');
}

/** goutils counts bytes and takes each for a character; one UTF-16 unit a byte here. */
function asBytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** goutils: a text that holds white space comes out with its other bytes as characters. */
function withoutSpace(text: string): string {
  const kept = asBytes(text).replaceAll(/[\t\n\v\f\r \x85\xa0]/g, '');
  return kept.length === Buffer.byteLength(text) ? text : kept;
}

/** goutils: breaks at the last space that fits. A longer word is cut with `cut`, else it runs on to its end. */
function wrap(text: string, options: { width: number; separator: string; cut: boolean }): string {
  const width = Math.max(options.width, 1);
  const newLine = options.separator === '' ? '\n' : asBytes(options.separator);
  let output = '';
  let rest = asBytes(text);
  while (rest.length > width) {
    if (rest.startsWith(' ')) {
      rest = rest.slice(1);
      continue;
    }
    const fitting = rest.slice(0, width + 1).lastIndexOf(' ');
    const space = fitting < 0 && !options.cut ? rest.indexOf(' ', width) : fitting;
    if (space < 0 && !options.cut) break;
    output += rest.slice(0, space < 0 ? width : space) + newLine;
    rest = rest.slice(space < 0 ? width : space + 1);
  }
  return Buffer.from(output + rest, 'latin1').toString();
}

/** sprig: letter case and layout of text. */
export const letterCaseFunctions: FunctionMap = {
  upper: fn(['string'], upperCase),
  lower: fn(['string'], lowerCase),
  title: fn(['string'], title),
  untitle: fn(['string'], untitle),
  swapcase: fn(['string'], swapCase),
  snakecase: fn(['string'], (text) => new Joiner(text, '_').run()),
  kebabcase: fn(['string'], (text) => new Joiner(text, '-').run()),
  camelcase: fn(['string'], pascalCase),
  initials: fn(['string'], initials),
  nospace: fn(['string'], withoutSpace),
  wrap: fn(['int', 'string'], (width, text) => wrap(text, { width, separator: '', cut: false })),
  wrapWith: fn(['int', 'string', 'string'], (width, separator, text) => wrap(text, { width, separator, cut: true })),
  shuffle: fn(['string'], (text) => {
    const chars = runes(text);
    for (let at = chars.length - 1; at > 0; at -= 1) {
      const other = Math.floor(Math.random() * (at + 1));
      [chars[at], chars[other]] = [chars[other] ?? '', chars[at] ?? ''];
    }
    return chars.join('');
  }),
};
