import { decodeJson, decodeYamlList, decodeYamlMap } from '../decode.ts';
import { formatGoJson } from '../format/go-json.ts';
import { formatGoYaml } from '../format/go-yaml.ts';
import { type FunctionMap, fn, type GoFunction } from '../go-function.ts';

function decodeBase64(text: string): string {
  const plain = text.replaceAll(/[\r\n]/g, '');
  const bad = text.search(/[^A-Za-z0-9+/=\r\n]|=(?!=?[\r\n]*$)/);
  if (bad >= 0 || plain.length % 4 !== 0)
    return `illegal base64 data at input byte ${bad >= 0 ? bad : text.length - (plain.length % 4)}`;
  return Buffer.from(plain, 'base64').toString();
}

const base32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function encodeBase32(text: string): string {
  let bits = '';
  for (const byte of Buffer.from(text)) bits += byte.toString(2).padStart(8, '0');
  const groups = bits.match(/.{1,5}/g) ?? [];
  const encoded = groups.map((group) => base32[Number.parseInt(group.padEnd(5, '0'), 2)]).join('');
  return encoded.padEnd(Math.ceil(encoded.length / 8) * 8, '=');
}

function decodeBase32(text: string): string {
  const plain = text.replaceAll(/[\r\n]/g, '');
  const bad = plain.search(/[^A-Z2-7=]/);
  if (bad >= 0 || plain.length % 8 !== 0)
    return `illegal base32 data at input byte ${bad >= 0 ? bad : plain.length - (plain.length % 8)}`;
  let bits = '';
  for (const char of plain.replace(/=+$/, '')) bits += base32.indexOf(char).toString(2).padStart(5, '0');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2))).toString();
}

function fromJson(text: string) {
  try {
    return decodeJson(text);
  } catch {
    // sprig: fromJson answers nil where mustFromJson fails.
    return null;
  }
}

/** sprig: toJson answers nothing where mustToJson fails. */
function quietly(definition: GoFunction): GoFunction {
  return {
    ...definition,
    call: (args) => {
      try {
        return definition.call(args);
      } catch {
        return '';
      }
    },
  };
}

const mustToJson = fn(['any'], (value) => formatGoJson(value));
const mustToPrettyJson = fn(['any'], (value) => formatGoJson(value, { indent: '  ' }));
const toRawJson = fn(['any'], (value) => formatGoJson(value, { escapeHtml: false }));

/** sprig and Argo CD: JSON, YAML and base 64 or 32. */
export const encodingFunctions: FunctionMap = {
  b64enc: fn(['string'], (text) => Buffer.from(text).toString('base64')),
  b64dec: fn(['string'], decodeBase64),
  b32enc: fn(['string'], encodeBase32),
  b32dec: fn(['string'], decodeBase32),
  fromJson: fn(['string'], fromJson),
  mustFromJson: fn(['string'], decodeJson),
  toJson: quietly(mustToJson),
  mustToJson,
  toPrettyJson: quietly(mustToPrettyJson),
  mustToPrettyJson,
  toRawJson,
  mustToRawJson: toRawJson,
  toYaml: fn(['any'], (value) => formatGoYaml(value).replace(/\n$/, '')),
  fromYaml: fn(['string'], decodeYamlMap),
  fromYamlArray: fn(['string'], decodeYamlList),
};
