/**
 * Who was heard from first-hand, as far as the rules need to know. Whoever can send us a packet can fill the table with
 * claims about members that do not exist; none of those ever says anything itself.
 */

export interface FirstHand {
  /** How many members' addresses anything came from. */
  readonly size: number
  /** Whether anything came from the address that the member of this name has. */
  readonly has: (name: string) => boolean
  /** The same, and of several members with one address it is the one that stands for them. */
  readonly stands: (name: string) => boolean
  /** A random member that `stands` is true of, if one is `eligible`. */
  readonly any: (eligible: (name: string) => boolean, random: () => number) => string | undefined
}
