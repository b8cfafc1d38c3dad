import { isIP } from 'node:net';
import { type FieldError, type FieldPath, invalidValue } from 'kernetes/sdk';

export const IP_WRONG = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
export const CIDR_WRONG = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';

export type IpFamily = 'IPv4' | 'IPv6';

export function validateIp(text: string, path: FieldPath): FieldError[] {
  return isIP(text) ? [] : [invalidValue(path, text, IP_WRONG)];
}

export function validateCidr(text: string, path: FieldPath): FieldError[] {
  return isCidr(text) ? [] : [invalidValue(path, text, CIDR_WRONG)];
}

/** Of a valid address. */
export function familyOf(ip: string): IpFamily {
  return ip.includes(':') ? 'IPv6' : 'IPv4';
}

export function isCidr(text: string): boolean {
  const [address = '', bits = '', ...rest] = text.split('/');
  const family = isIP(address);
  return (
    family !== 0 &&
    rest.length === 0 &&
    /^(?:0|[1-9][0-9]{0,2})$/.test(bits) &&
    Number(bits) <= (family === 4 ? 32 : 128)
  );
}

/** What an endpoint's address must not be: it would lead to the node that asks. */
export function validateEndpointIp(text: string, path: FieldPath): FieldError[] {
  const findings = validateIp(text, path);
  if (findings.length > 0) return findings;
  const ip = text.toLowerCase();
  if (/^(?:0\.0\.0\.0|::)$/.test(ip)) {
    findings.push(invalidValue(path, text, `may not be unspecified (${ip})`));
  }
  if (/^127\./.test(ip) || ip === '::1') {
    const why = 'may not be in the loopback range (127.0.0.0/8, ::1/128)';
    findings.push(invalidValue(path, text, why));
  }
  if (/^169\.254\./.test(ip) || /^fe[89ab][0-9a-f]:/.test(ip)) {
    const why = 'may not be in the link-local range (169.254.0.0/16, fe80::/10)';
    findings.push(invalidValue(path, text, why));
  }
  if (/^224\.0\.0\./.test(ip) || /^ff[0-9a-f]2:/.test(ip)) {
    const why = 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)';
    findings.push(invalidValue(path, text, why));
  }
  return findings;
}
