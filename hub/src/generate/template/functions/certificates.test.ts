import { X509Certificate } from 'node:crypto';
import { compareSync } from 'bcryptjs';
import { describe, expect, it } from 'vitest';
import { createTemplateCompiler } from '../template.ts';

function render(text: string): string {
  return createTemplateCompiler({ goTemplate: true, options: ['missingkey=error'] }).render(text, { n: 'x' });
}

describe('certificates', () => {
  const [ca = '', cert = '', key = ''] = render(
    '{{ $ca := genCA "shop ca" 365 }}{{ $c := genSignedCert "web" (list "10.0.0.1" "fd00::1") (list "web.shop" "w.shop") 30 $ca }}{{ $ca.Cert }}|{{ $c.Cert }}|{{ $c.Key }}',
  ).split('|');

  it('are signed by their authority, for their names and addresses', () => {
    const [root, leaf] = [new X509Certificate(ca), new X509Certificate(cert)];
    expect(root.ca).toBe(true);
    expect(root.verify(root.publicKey)).toBe(true);
    expect(leaf.ca).toBe(false);
    expect(leaf.issuer).toBe('CN=shop ca');
    expect(leaf.checkIssued(root)).toBe(true);
    expect(leaf.verify(root.publicKey)).toBe(true);
    expect(leaf.checkHost('w.shop')).toBe('w.shop');
    expect(leaf.checkIP('10.0.0.1')).toBe('10.0.0.1');
    expect(leaf.checkIP('fd00::1')).toBe('fd00::1');
    expect(leaf.validToDate.getTime() - leaf.validFromDate.getTime()).toBe(30 * 86_400_000);
    expect(key).toMatch(/^-----BEGIN RSA PRIVATE KEY-----/);
  });

  it('can be signed by an authority that was made elsewhere, with a key of one’s own', () => {
    const [own = '', rootPem = ''] = render(
      '{{ $k := genPrivateKey "rsa" }}{{ $ca := genCA "a" 9 }}{{ $again := buildCustomCert ($ca.Cert | b64enc) ($ca.Key | b64enc) }}{{ (genSignedCertWithKey "b" nil nil 9 $again $k).Cert }}|{{ $ca.Cert }}'.replaceAll(
        'nil',
        '(list)',
      ),
    ).split('|');
    expect(new X509Certificate(own).verify(new X509Certificate(rootPem).publicKey)).toBe(true);
  });

  it.each([
    ['rsa', 'RSA PRIVATE KEY'],
    ['ecdsa', 'EC PRIVATE KEY'],
    ['ed25519', 'PRIVATE KEY'],
  ])('private keys: %s', (type, label) => {
    expect(render(`{{ genPrivateKey "${type}" }}`)).toMatch(new RegExp(`^-----BEGIN ${label}-----`));
  });

  it.each([
    ['{{ genSignedCert "a" (list) (list) 1 "no" }}', 'not one of genCA or buildCustomCert'],
    ['{{ genSelfSignedCert "a" (list "300.1.1.1") (list) 1 }}', 'error parsing ip: 300.1.1.1'],
    ['{{ buildCustomCert "eA==" "eA==" }}', 'unable to decode certificate'],
  ])('fail with a reason: %s', (text, message) => {
    expect(() => render(text)).toThrow(message);
  });
});

describe('password hashes', () => {
  it('are those of bcrypt', () => {
    expect(compareSync('s3cret', render('{{ bcrypt "s3cret" }}'))).toBe(true);
    const [user, hash = ''] = render('{{ htpasswd "ann" "s3cret" }}').split(':');
    expect([user, compareSync('s3cret', hash)]).toEqual(['ann', true]);
  });
});
