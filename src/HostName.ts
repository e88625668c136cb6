/**
 * The name of the host, which a node takes where its configuration names none. memberlist takes the operating system's.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Context from "effect/Context"

/**
 * Absent by default, because only a platform knows it: `NodeHostName.layer` gives the system's. Provide it to the layer
 * of the configuration.
 *
 * @category references
 * @since 0.1.0
 */
export const HostName = Context.Reference<string | undefined>("effect-memberlist/HostName", {
  defaultValue: () => undefined
})
