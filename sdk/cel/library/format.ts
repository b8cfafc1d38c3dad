import {
  dns1035LabelErrors,
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  labelValueErrors,
  maskTrailingDash,
  type NameErrors,
  qualifiedNameErrors,
} from '../../names.ts';
import type { Frame } from '../meter.ts';
import type { Implementation, Library } from '../overload.ts';
import { opaque } from '../type.ts';
import { Failure, fail, ListValue, Opaque, Optional } from '../value.ts';
import { parseTimestamp } from './time.ts';

const TYPE = opaque('kubernetes.NamedFormat');
const NAME = TYPE.name;

class Format extends Opaque {
  readonly type = TYPE;
  readonly name: string;
  readonly errors: (text: string) => NameErrors;

  constructor(name: string, errors: (text: string) => NameErrors) {
    super();
    this.name = name;
    this.errors = errors;
  }

  equals(other: Format): boolean {
    return this.name === other.name;
  }

  override toString(): string {
    return this.name;
  }
}

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const DATE = /^\d{4}-\d\d-\d\d$/;

const FORMATS: ReadonlyMap<string, Format> = new Map(
  (
    [
      ['dns1123Label', dns1123LabelErrors],
      ['dns1123Subdomain', dns1123SubdomainErrors],
      ['dns1035Label', dns1035LabelErrors],
      ['dns1123LabelPrefix', text => dns1123LabelErrors(maskTrailingDash(text))],
      ['dns1123SubdomainPrefix', text => dns1123SubdomainErrors(maskTrailingDash(text))],
      ['dns1035LabelPrefix', text => dns1035LabelErrors(maskTrailingDash(text))],
      ['qualifiedName', qualifiedNameErrors],
      ['labelValue', labelValueErrors],
      ['uri', text => unless(isUri(text), 'invalid URI')],
      ['uuid', text => unless(UUID.test(text), 'does not match the UUID format')],
      ['byte', text => unless(BASE64.test(text), 'invalid base64')],
      ['date', text => unless(DATE.test(text) && isMoment(`${text}T00:00:00Z`), 'invalid date')],
      ['datetime', text => unless(isMoment(text), 'invalid datetime')],
    ] as const satisfies readonly (readonly [string, (text: string) => NameErrors])[]
  ).map(([name, errors]) => [name, new Format(name, errors)]),
);

function unless(right: boolean, message: string): NameErrors {
  return right ? undefined : [message];
}

function isUri(text: string): boolean {
  return URL.canParse(text) || (text.startsWith('/') && URL.canParse(text, 'http://host'));
}

function isMoment(text: string): boolean {
  try {
    return parseTimestamp(text) !== undefined;
  } catch (thrown) {
    if (thrown instanceof Failure) return false;
    throw thrown;
  }
}

export const FORMAT: Library = {
  [`format.named(string): optional<${NAME}>`]: (_, name: string) => {
    const format = FORMATS.get(name);
    return format ? new Optional(format) : Optional.NONE;
  },
  [`${NAME}.validate(string): optional<list<string>>`]: validate,
  ...constants(),
};

function constants(): Library {
  const library: Record<string, Implementation> = {};
  for (const [name, format] of FORMATS) library[`format.${name}(): ${NAME}`] = () => format;
  return library;
}

/** Checking costs as much as matching the format's pattern would. */
const PATTERN_COST = 30;

function validate({ meter }: Frame, format: Format, text: string): Optional {
  meter.spend(Math.ceil((text.length + 1) * 0.1) * PATTERN_COST);
  if (text.length > TEXT_LENGTH_MAX) return fail('text is too long');
  const errors = format.errors(text);
  return errors === undefined ? Optional.NONE : new Optional(new ListValue(errors));
}

const TEXT_LENGTH_MAX = 100_000;
