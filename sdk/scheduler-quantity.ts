/** The number that a resource quantity stands for: `1500m` is 1.5, `2Gi` is 2147483648. */
export function quantityValue(quantity: string): number {
  const match = QUANTITY.exec(quantity);
  if (!match) throw new Error(`Cannot read quantity "${quantity}": want a number with a suffix`);
  const [, number, suffix = ''] = match;
  if (suffix[0] === 'e' || (suffix[0] === 'E' && suffix.length > 1)) return Number(quantity);
  return Number(number) * (FACTORS[suffix] ?? 1);
}

const QUANTITY = /^([+-]?(?:\d+\.?\d*|\.\d+))([eE][+-]?\d+|[EPTGMK]i|[numkMGTPE])?$/;

const FACTORS: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};
