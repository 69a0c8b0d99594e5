/** Microsoft Entra's token endpoint for client credentials. @see https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow */
import { constants, randomBytes, verify } from 'node:crypto';
import type { RecordedRequest } from '../loopback.js';
import { isFields, stringOf, type Fields } from '../problem.js';
import { LoginRefusal } from './refusal.js';

/** What the app registration knows. */
export interface TeamsRegistration {
  readonly appId: string;
  readonly appPassword: string;
  readonly tenantId: string;
  /** A certificate in place of the password: its public key in PEM, and its thumbprint in hex. */
  readonly certificate?: { readonly publicKey: string; readonly thumbprint: string };
  readonly tokenSeconds: number;
}

const SCOPE = 'https://api.botframework.com/.default';

/** Gives out tokens, and knows them again. */
export class Login {
  readonly #tokens = new Map<string, number>();

  constructor(private readonly registration: TeamsRegistration) {}

  issue(request: RecordedRequest, tenant: string, tokenUrl: string): unknown {
    const form = new URLSearchParams(request.text);
    const { appId, tenantId, tokenSeconds } = this.registration;
    if (request.method !== 'POST') throw new LoginRefusal(400, 'invalid_request', 900561, 'The endpoint only accepts POST requests.');
    if (tenant !== tenantId) throw new LoginRefusal(400, 'invalid_request', 90002, `Tenant '${tenant}' not found.`);
    if (form.get('grant_type') !== 'client_credentials')
      throw new LoginRefusal(400, 'unsupported_grant_type', 70003, `The app requested an unsupported grant type '${form.get('grant_type') ?? ''}'.`);
    if (form.get('client_id') !== appId)
      throw new LoginRefusal(
        400,
        'unauthorized_client',
        700016,
        `Application with identifier '${form.get('client_id') ?? ''}' was not found in the directory.`,
      );
    if (form.get('scope') !== SCOPE)
      throw new LoginRefusal(400, 'invalid_scope', 70011, 'The provided value for the input parameter scope is not valid.');
    this.#checkProof(form, tokenUrl);
    const token = `eyJ.${randomBytes(48).toString('base64url')}.${randomBytes(48).toString('base64url')}`;
    this.#tokens.set(token, Date.now() + tokenSeconds * 1000);
    return { token_type: 'Bearer', expires_in: tokenSeconds, ext_expires_in: tokenSeconds, access_token: token };
  }

  knows(header: string | undefined): boolean {
    const until = this.#tokens.get(/^Bearer (.+)$/.exec(header ?? '')?.[1] ?? '');
    return until !== undefined && Date.now() < until;
  }

  /** No token that was given out is taken any more. */
  revoke(): void {
    this.#tokens.clear();
  }

  #checkProof(form: URLSearchParams, tokenUrl: string): void {
    const { appPassword, certificate } = this.registration;
    const assertion = form.get('client_assertion');
    if (assertion === null) {
      if (form.get('client_secret') !== appPassword) throw new LoginRefusal(401, 'invalid_client', 7000215, 'Invalid client secret provided.');
      return;
    }
    if (form.get('client_assertion_type') !== 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
      throw new LoginRefusal(400, 'invalid_request', 900144, 'The request body must contain the parameter client_assertion_type.');
    const [head = '', claims = '', signature = ''] = assertion.split('.');
    const header = decoded(head);
    const said = decoded(claims);
    const now = Date.now() / 1000;
    const isSha256 = header['x5t#S256'] !== undefined;
    const thumbprint = Buffer.from(stringOf(header[isSha256 ? 'x5t#S256' : 'x5t']), 'base64url').toString('hex');
    if (certificate === undefined || thumbprint !== certificate.thumbprint.toLowerCase())
      throw new LoginRefusal(
        401,
        'invalid_client',
        700027,
        'The certificate with identifier used to sign the client assertion is not registered on application.',
      );
    const key = { key: certificate.publicKey, padding: header['alg'] === 'PS256' ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING };
    const isSigned =
      (header['alg'] === 'PS256' || header['alg'] === 'RS256') &&
      verify('sha256', Buffer.from(`${head}.${claims}`), key, Buffer.from(signature, 'base64url'));
    if (!isSigned) throw new LoginRefusal(401, 'invalid_client', 700027, 'Client assertion failed signature validation.');
    if (said['iss'] !== this.registration.appId || said['sub'] !== this.registration.appId)
      throw new LoginRefusal(401, 'invalid_client', 700021, 'Client assertion application identifier does not match client_id parameter.');
    if (said['aud'] !== tokenUrl)
      throw new LoginRefusal(401, 'invalid_client', 700023, 'Client assertion audience claim does not match the realm issuer.');
    if (!(Number(said['exp']) > now && Number(said['nbf'] ?? 0) <= now + 300) || typeof said['jti'] !== 'string')
      throw new LoginRefusal(401, 'invalid_client', 700024, 'Client assertion is not within its valid time range.');
  }
}

function decoded(part: string): Fields {
  try {
    const value = JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as unknown;
    return isFields(value) ? value : {};
  } catch {
    return {};
  }
}
