/** What the Teams provider is made with. */
import { ValidationError } from '../../core/errors.js';
import { checkOptionNames, type OptionNames } from '../../core/option-names.js';
import type { Secret } from '../../core/telemetry/secret.js';
import { baseUrlOf, optionalSecret, requiredText, timeoutOf } from '../_shared/http/options.js';
import { MemoryReferences, type ConversationReferences } from './references.js';

/** Microsoft's clouds that a bot can stand in. */
export type TeamsCloud = 'public' | 'us_government';

/** Configuration of {@link BotFrameworkTeamsProvider}. */
export interface TeamsConfig {
  /** The bot's application (client) id. Default: the environment variable `TEAMS_APP_ID`. */
  readonly appId?: string;
  /** Its client secret; not with a certificate. Default: the environment variable `TEAMS_APP_PASSWORD`. */
  readonly appPassword?: string | Secret;
  /** SHA-256 (64 hex digits) or SHA-1 (40) of the certificate that stands in the app registration, in place of a secret. */
  readonly certificateThumbprint?: string;
  /** The certificate's private key, PKCS #8 in PEM. */
  readonly certificatePrivateKey?: string | Secret;
  /**
   * The directory (tenant) of the app registration, which a single-tenant bot takes its tokens from. Default: the environment
   * variable `TEAMS_TENANT_ID`, else `botframework.com`, for multi-tenant bots that were made before Microsoft ended them.
   */
  readonly tenantId?: string;
  /** Default `public`, with GCC; `us_government` is GCC High and DoD. */
  readonly cloud?: TeamsCloud;
  /** Where tokens come from. Default: the cloud's. */
  readonly loginUrl?: string;
  /** Where the keys are named by which Microsoft signs its calls. Default: the cloud's. */
  readonly openIdUrl?: string;
  /**
   * Hosts (with a port where it is not the usual one) that the bot's token may be sent to, beside Microsoft's own: for an emulator or a proxy.
   * Only loopback addresses are called without TLS.
   */
  readonly allowedServiceHosts?: readonly string[];
  /** Where it is kept how conversations are reached. Default: in memory; what stands in a room's timeline goes before it. */
  readonly references?: ConversationReferences;
  /** For tests, or a proxy. Default: the platform's. */
  readonly fetch?: typeof fetch;
  /** Default 30. */
  readonly timeoutSeconds?: number;
}

const NAMES: OptionNames<TeamsConfig> = {
  appId: true,
  appPassword: true,
  certificateThumbprint: true,
  certificatePrivateKey: true,
  tenantId: true,
  cloud: true,
  loginUrl: true,
  openIdUrl: true,
  allowedServiceHosts: true,
  references: true,
  fetch: true,
  timeoutSeconds: true,
};

/** How the bot proves to Microsoft who it is. */
export type TeamsCredential = { readonly password: Secret } | { readonly thumbprint: string; readonly privateKey: Secret };

/** The same, checked. */
export interface TeamsBot {
  readonly appId: string;
  readonly credential: TeamsCredential;
  readonly tokenUrl: string;
  readonly scope: string;
  readonly openIdUrl: string;
  readonly issuer: string;
  readonly allowedHosts: ReadonlySet<string>;
  readonly references: ConversationReferences;
  readonly timeoutSeconds: number;
}

/** @see https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication */
const CLOUDS = {
  public: {
    login: 'https://login.microsoftonline.com',
    scope: 'https://api.botframework.com/.default',
    openId: 'https://login.botframework.com/v1/.well-known/openidconfiguration',
    issuer: 'https://api.botframework.com',
    tenant: 'botframework.com',
  },
  us_government: {
    login: 'https://login.microsoftonline.us',
    scope: 'https://api.botframework.us/.default',
    openId: 'https://login.botframework.azure.us/v1/.well-known/openidconfiguration',
    issuer: 'https://api.botframework.us',
    tenant: 'MicrosoftServices.onmicrosoft.us',
  },
} as const;

export function teamsBot(feature: string, config: TeamsConfig): TeamsBot {
  checkOptionNames(`new ${feature}`, config, NAMES);
  const name = config.cloud ?? 'public';
  if (!Object.hasOwn(CLOUDS, name)) throw new ValidationError(`The cloud of ${feature} is '${String(name)}'. Give 'public' or 'us_government'.`);
  const cloud = CLOUDS[name];
  const tenant = config.tenantId ?? (process.env['TEAMS_TENANT_ID'] || cloud.tenant);
  if (!/^[a-z0-9.-]{3,255}$/i.test(tenant))
    throw new ValidationError(`The tenantId of ${feature} is '${tenant}'. Give the directory's id, such as 72f988bf-86f1-41af-91ab-2d7cd011db47.`);
  return {
    appId: requiredText(feature, 'appId', config.appId ?? process.env['TEAMS_APP_ID'], '00001111-aaaa-2222-bbbb-3333cccc4444'),
    credential: credentialOf(feature, config),
    tokenUrl: `${baseUrlOf(feature, config.loginUrl, cloud.login)}/${tenant}/oauth2/v2.0/token`,
    scope: cloud.scope,
    openIdUrl: baseUrlOf(feature, config.openIdUrl, cloud.openId),
    issuer: cloud.issuer,
    allowedHosts: new Set((config.allowedServiceHosts ?? []).map((host) => hostOf(feature, host))),
    references: config.references ?? new MemoryReferences(),
    timeoutSeconds: timeoutOf(feature, config.timeoutSeconds, 30),
  };
}

function credentialOf(feature: string, config: TeamsConfig): TeamsCredential {
  const privateKey = optionalSecret(feature, 'certificatePrivateKey', config.certificatePrivateKey);
  const { certificateThumbprint } = config;
  if (privateKey !== undefined || certificateThumbprint !== undefined) {
    const thumbprint = (certificateThumbprint ?? '').replaceAll(':', '').toLowerCase();
    if (privateKey === undefined || !/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(thumbprint))
      throw new ValidationError(
        `${feature} needs both certificatePrivateKey and certificateThumbprint, which is 64 hex digits (SHA-256) or 40 (SHA-1).`,
      );
    return { thumbprint, privateKey };
  }
  const password = optionalSecret(feature, 'appPassword', config.appPassword, 'TEAMS_APP_PASSWORD');
  if (password === undefined)
    throw new ValidationError(
      `${feature} has no credential. Pass { appPassword }, set TEAMS_APP_PASSWORD in the environment, or pass certificateThumbprint and certificatePrivateKey.`,
    );
  return { password };
}

function hostOf(feature: string, given: string): string {
  if (typeof given === 'string' && /^(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?$/i.test(given)) return given.toLowerCase();
  throw new ValidationError(`An entry of allowedServiceHosts of ${feature} is '${String(given)}'. Give a host, such as '127.0.0.1:3979'.`);
}
