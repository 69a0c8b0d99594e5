/**
 * `roomkit/teams`: Microsoft Teams by a bot of the Bot Framework.
 * @module roomkit/teams
 */
export { isBotAdded, parseTeamsActivity, parseTeamsWebhook, type TeamsActivity } from './activity.js';
export { BotFrameworkTeamsProvider } from './bot.js';
export type { TeamsCloud, TeamsConfig } from './config.js';
export { MemoryReferences, type ConversationReference, type ConversationReferences } from './references.js';
