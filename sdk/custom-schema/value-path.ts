/** `spec.containers[0].name`; empty for the root. */
export function pathText(path: readonly (string | number)[]): string {
  let text = '';
  for (const step of path) {
    text += typeof step === 'number' ? `[${step}]` : text === '' ? step : `.${step}`;
  }
  return text;
}
