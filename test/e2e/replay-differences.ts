/** Recordings about kinds that are not served yet, with the reason. */
export const NOT_SERVED: Readonly<Record<string, string>> = {
  crd: 'custom resources come with a later plugin',
  'crd-bad-name': 'custom resources come with a later plugin',
};

/** Answers that differ on purpose: what is wanted instead, and why. */
export const ERRORS_DIFFER: Readonly<
  Record<string, { readonly why: string; readonly wanted: Readonly<Record<string, unknown>> }>
> = {};

/** Fields in which newer servers differ from the recorded one: recording -> field -> why. */
export const DEFAULTS_DIFFER: Readonly<Record<string, Readonly<Record<string, string>>>> = {};
