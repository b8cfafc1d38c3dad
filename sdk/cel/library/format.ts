import { FORMATS as SCHEMA_FORMATS } from '../../custom-schema/formats.ts';
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
import { fail, ListValue, Opaque, Optional } from '../value.ts';

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
      ['uri', checked('uri', 'invalid URI')],
      ['uuid', checked('uuid', 'does not match the UUID format')],
      ['byte', checked('byte', 'invalid base64')],
      ['date', checked('date', 'invalid date')],
      ['datetime', checked('datetime', 'invalid datetime')],
    ] as const satisfies readonly (readonly [string, (text: string) => NameErrors])[]
  ).map(([name, errors]) => [name, new Format(name, errors)]),
);

/** A format that schemas know too. */
function checked(name: string, message: string): (text: string) => NameErrors {
  const fits = SCHEMA_FORMATS.get(name);
  if (fits === undefined) throw new Error(`Cannot check format "${name}": schemas have none`);
  return text => (fits(text) ? undefined : [message]);
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
