// triggers owns what scripts say when events arrive: triggers, their schedules, their subscribers and the delivery to web-hooks.
export type { Letter, Message } from './message.js'
export type { TriggersSettings, WebhooksSettings } from './settings.js'
export type { TriggerSource } from './source.js'
export type { Subscriber, TriggerView } from './trigger.js'
export { type SubscribeRequest, Triggers, type TriggersOptions } from './triggers.js'
