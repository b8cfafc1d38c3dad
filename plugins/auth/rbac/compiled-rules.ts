import { type Attributes, coversPath, type PolicyRule } from 'kernetes/sdk';

/** A request in the words that rules use, made once for all roles that are asked. */
export interface Question {
  readonly verb: string;
  /** Undefined: it is about resources. */
  readonly path: string | undefined;
  readonly group: string;
  /** `pods`, `pods/status` */
  readonly resource: string;
  /** The form that stands for the subresource of all resources; empty: it is about none. */
  readonly ofAny: string;
  readonly name: string;
}

export function questionOf(attributes: Attributes): Question {
  const { verb } = attributes;
  if ('path' in attributes) {
    return { verb, path: attributes.path, group: '', resource: '', ofAny: '', name: '' };
  }
  const { group, resource, subresource, name } = attributes;
  if (subresource === '') return { verb, path: undefined, group, resource, ofAny: '', name };
  const full = `${resource}/${subresource}`;
  return { verb, path: undefined, group, resource: full, ofAny: `*/${subresource}`, name };
}

/** A role's rules by the resources that they name: a role may have dozens, and few concern one. */
export class CompiledRules {
  readonly #byResource = new Map<string, PolicyRule[]>();
  readonly #ofPaths: PolicyRule[];

  constructor(rules: readonly PolicyRule[]) {
    this.#ofPaths = rules.filter(({ nonResourceURLs }) => nonResourceURLs?.length);
    for (const rule of rules) {
      for (const resource of new Set(rule.resources ?? [])) {
        const known = this.#byResource.get(resource);
        if (known) known.push(rule);
        else this.#byResource.set(resource, [rule]);
      }
    }
  }

  allow(question: Question): boolean {
    const { path, verb } = question;
    if (path !== undefined) {
      return this.#ofPaths.some(
        rule => has(rule.verbs, verb) && coversPath(rule.nonResourceURLs, path),
      );
    }
    return (
      this.#allowedUnder(question.resource, question) ||
      this.#allowedUnder('*', question) ||
      (question.ofAny !== '' && this.#allowedUnder(question.ofAny, question))
    );
  }

  #allowedUnder(resource: string, { verb, group, name }: Question): boolean {
    const rules = this.#byResource.get(resource);
    if (rules === undefined) return false;
    for (const { verbs, apiGroups, resourceNames } of rules) {
      if (!has(verbs, verb) || !has(apiGroups, group)) continue;
      if (!resourceNames?.length || resourceNames.includes(name)) return true;
    }
    return false;
  }
}

function has(words: readonly string[] | undefined, word: string): boolean {
  return words !== undefined && (words.includes(word) || words.includes('*'));
}
