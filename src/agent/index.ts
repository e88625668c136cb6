/**
 * The agent: a node with an HTTP API, and the API as a value, from which clients are made.
 *
 * @since 0.1.0
 */
export { Agent, type AgentError, type HttpBindFailed, type Options as AgentOptions } from "./Agent.ts"
export * as AgentSettings from "./AgentSettings.ts"
export { Api } from "./Api.ts"
export * as Model from "./Model.ts"
export * as Refusal from "./Refusal.ts"
