/**
 * Whether Microsoft made a call: the bearer token names its sender, this bot and the address it speaks for, and the key that
 * signed it is endorsed for the channel.
 * @see https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
 */
import type * as Jose from 'jose';
import type { WebhookRequest } from '../../channels/webhook.js';
import { loadPeer } from '../_shared/peer.js';
import { bodyJson, fieldsOf } from '../_shared/http/reading.js';
import type { TeamsBot } from './config.js';
import { trustedServiceUrl } from './service-url.js';
import type { SigningKeys } from './signing-keys.js';

const TOLERANCE_SECONDS = 300;
const MAX_TOKEN = 16_384;

type Rules = Pick<TeamsBot, 'appId' | 'issuer' | 'allowedHosts'>;

/** Rejects when the package `jose` is missing; for everything a stranger may send it is false. */
export async function isFromTeams(request: WebhookRequest, rules: Rules, keys: SigningKeys): Promise<boolean> {
  const jose = await loadPeer('BotFrameworkTeamsProvider', 'jose', () => import('jose'));
  try {
    return await isSigned(request, rules, keys, jose);
  } catch {
    return false;
  }
}

async function isSigned(
  { headers, body, receivedAt }: WebhookRequest,
  { appId, issuer, allowedHosts }: Rules,
  keys: SigningKeys,
  { decodeProtectedHeader, importJWK, jwtVerify }: typeof Jose,
): Promise<boolean> {
  const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(headers.get('authorization') ?? '')?.[1];
  if (token === undefined || token.length > MAX_TOKEN) return false;
  const { serviceUrl, channelId } = fieldsOf(bodyJson(body));
  const address = trustedServiceUrl(serviceUrl, allowedHosts);
  if (address === undefined || typeof channelId !== 'string') return false;
  const { alg, kid } = decodeProtectedHeader(token);
  if (alg !== 'RS256' || typeof kid !== 'string') return false;
  const key = await keys.find(kid, receivedAt);
  if (key === undefined || !key.endorsements.includes(channelId)) return false;
  const { payload } = await jwtVerify(token, await importJWK(key.jwk, 'RS256'), {
    algorithms: ['RS256'],
    issuer,
    audience: appId,
    requiredClaims: ['exp'],
    clockTolerance: TOLERANCE_SECONDS,
    currentDate: new Date(receivedAt),
  });
  return trustedServiceUrl(payload['serviceurl'] ?? payload['serviceUrl'], allowedHosts) === address;
}
