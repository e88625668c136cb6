/**
 * What a program may set of its configuration, field by field: the meaning, unit and default of each, and what it
 * trades.
 *
 * Defaults are those of the LAN preset; WAN and local values are given where they differ.
 *
 * @stability unstable
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Redacted from "effect/Redacted"
import type * as Schedule from "effect/Schedule"

/**
 * The fields, in the order of memberlist's `Config`, ours at the end.
 *
 * What is missing is taken from the LAN preset; a missing name is the `HostName` that is provided, and refused when
 * there is none. A duration may be written in any way Effect reads: `"500 millis"`, a number of milliseconds,
 * `Duration.seconds(1)`.
 *
 * **Details**
 *
 * Written out, and not derived from the schemas in `Fields`, which a test compares with it: editors show the comment
 * of a property where it stands, and not through every kind of derived type.
 *
 * @category models
 * @since 0.1.0
 */
export interface Settings {
  /**
   * The member's identity, unique in the cluster. Default: the name of the host where one is provided
   * (`NodeHostName.layer`, and for `layerEnv` the variable `HOSTNAME`), else it is required. Two nodes on one host need
   * two names. memberlist: `Name`.
   */
  readonly name?: string | undefined
  /**
   * The cluster's name tag, at most 255 bytes, default none. Packets and streams of another label are refused, so two
   * clusters that can reach each other cannot merge by accident. It is sent in clear. memberlist: `Label`.
   */
  readonly label?: string | undefined
  /**
   * Expect no label on what arrives, while this node sends its own; default false. Only where something in front of
   * it strips labels: a packet or stream that still has one is then refused. memberlist: `SkipInboundLabelCheck`.
   */
  readonly skipInboundLabelCheck?: boolean | undefined
  /**
   * The IP literal to listen on, default `0.0.0.0`: every IPv4 address of the host. `::` listens on every IPv6 and
   * IPv4 address. (In Go `0.0.0.0` listens on both families as well.) memberlist: `BindAddr`.
   */
  readonly bindAddress?: string | undefined
  /**
   * The port for both UDP and TCP, default 7946. 0 lets the system choose one that is free for both. It is also the
   * port assumed for a seed without one. memberlist: `BindPort`.
   */
  readonly bindPort?: number | undefined
  /**
   * The IP literal that peers should use, default the bound address, or for a wildcard the first private address of the
   * host. Needed behind NAT and in most container networks. memberlist: `AdvertiseAddr`.
   */
  readonly advertiseAddress?: string | undefined
  /**
   * The port that peers should use, default the bound one. Only used together with `advertiseAddress`, as in the
   * reference; without it the value is ignored. memberlist: `AdvertisePort`.
   */
  readonly advertisePort?: number | undefined
  /**
   * The protocol version to announce, 1‥5, default 2. What a peer can do is read from the newest version that the peer
   * announces (3: TCP pings, 4: nacks, 5: checksums), so 2 to 5 differ in name only. 1 is for members from before 2: it
   * seals with the first cipher form, and takes every member to be at this node's own port.
   * memberlist: `ProtocolVersion`.
   */
  readonly protocolVersion?: number | undefined
  /**
   * How long a TCP connection may take to open, and how long a whole exchange on it may last: 10 s, WAN 30 s, local 1
   * s. memberlist: `TCPTimeout`.
   */
  readonly tcpTimeout?: Duration.Input | undefined
  /**
   * How many other members are asked to probe a member that did not answer: 3, local 1. More make a false suspicion by
   * one bad link rarer, and cost that many packets per failed probe. memberlist: `IndirectChecks`; SWIM's k.
   */
  readonly indirectChecks?: number | undefined
  /**
   * Each rumour is sent this × ⌈log₁₀(N + 1)⌉ times by each member: 4, local 2. More survive more packet loss.
   * memberlist: `RetransmitMult`.
   */
  readonly retransmitMult?: number | undefined
  /**
   * A suspect has this × log₁₀(N) × probeInterval (at least this × probeInterval) to prove itself alive when others
   * confirm the suspicion: 4, WAN 6, local 3. Smaller detects failures sooner and accuses slow members more often.
   * memberlist: `SuspicionMult`.
   */
  readonly suspicionMult?: number | undefined
  /**
   * A suspicion that nobody confirms lasts this many times longer, default 6 (Lifeguard's β). 1 switches the extension
   * off. memberlist: `SuspicionMaxTimeoutMult`.
   */
  readonly suspicionMaxTimeoutMult?: number | undefined
  /**
   * How often the full state is exchanged with a random member over TCP: 30 s, WAN 60 s, local 15 s; grows with the
   * cluster beyond 32 members. 0 switches it off (joins still exchange). Repairs what gossip missed, at the price of
   * O(N) bytes each time. memberlist: `PushPullInterval`.
   */
  readonly pushPullInterval?: Duration.Input | undefined
  /**
   * How often one member is probed: 1 s, WAN 5 s, local 1 s. The unit of every failure-detection time. 0 switches
   * probing off: this node hears of failures from others only. Entries of dead members are removed all the same (in
   * memberlist they then stay forever). Where it is off, suspicions heard from others last as with 1 s
   * (in memberlist they end at once). memberlist: `ProbeInterval`.
   */
  readonly probeInterval?: Duration.Input | undefined
  /**
   * How long to wait for a direct answer before asking others: 500 ms, WAN 3 s, local 200 ms. Should be at least the
   * 99th percentile of the round-trip time. memberlist: `ProbeTimeout`.
   */
  readonly probeTimeout?: Duration.Input | undefined
  /**
   * Do not fall back to a TCP ping when UDP gets no answer; default false. memberlist: `DisableTcpPings`.
   */
  readonly disableTcpPings?: boolean | undefined
  /**
   * Members that get no TCP ping, by name; default none. memberlist: `DisableTcpPingsForNode`.
   */
  readonly disableTcpPingsForNode?: ((name: string) => boolean) | undefined
  /**
   * One more than the worst local health score (Lifeguard): a node that finds itself slow multiplies its probe interval
   * by up to this. Default 8; 1 switches it off. memberlist: `AwarenessMaxMultiplier`.
   */
  readonly awarenessMaxMultiplier?: number | undefined
  /**
   * How often rumours are sent to random members between probes: 200 ms, WAN 500 ms, local 100 ms. 0: rumours only ride
   * on probes. Shorter spreads news sooner. memberlist: `GossipInterval`.
   */
  readonly gossipInterval?: Duration.Input | undefined
  /**
   * How many members each gossip round goes to: 3, WAN 4. 0: rumours only ride on probes. memberlist: `GossipNodes`.
   */
  readonly gossipNodes?: number | undefined
  /**
   * How long a dead member is still gossiped to, so that it can refute, and how long dead and left entries are kept:
   * 30 s, WAN 60 s, local 15 s. memberlist: `GossipToTheDeadTime`.
   */
  readonly gossipToTheDeadTime?: Duration.Input | undefined
  /**
   * Refuse unencrypted packets and streams when a key is installed; default true. False only while encryption is rolled
   * out. memberlist: `GossipVerifyIncoming`.
   */
  readonly gossipVerifyIncoming?: boolean | undefined
  /**
   * Encrypt what is sent when a key is installed; default true. False only while encryption is rolled out.
   * memberlist: `GossipVerifyOutgoing`.
   */
  readonly gossipVerifyOutgoing?: boolean | undefined
  /**
   * Compress (LZW) what is sent when that makes it smaller; default true. What is received is always decompressed.
   * memberlist: `EnableCompression`.
   */
  readonly enableCompression?: boolean | undefined
  /**
   * The AES key, 16, 24 or 32 bytes, default none: everything is sent in clear. It is installed as the primary key of
   * the keyring. In text: base64. memberlist: `SecretKey`.
   */
  readonly secretKey?: Redacted.Redacted<Uint8Array> | undefined
  /** The application's own protocol version, 0‥255, default 0. memberlist: `DelegateProtocolVersion`. */
  readonly delegateProtocolVersion?: number | undefined
  /** The oldest application protocol this node understands, default 0. memberlist: `DelegateProtocolMin`. */
  readonly delegateProtocolMin?: number | undefined
  /**
   * The newest application protocol this node understands, default 0. To join Serf or Consul set the three to 2
   * (oldest), 5 (newest) and 4 or 5 (spoken). memberlist: `DelegateProtocolMax`.
   */
  readonly delegateProtocolMax?: number | undefined
  /**
   * The file that names the DNS server, default `/etc/resolv.conf`. Seeds whose host name has a dot are first looked up
   * there over TCP, because answers over UDP may be cut short, silently by some servers; when that gives nothing
   * within 2 s, the system's resolver is asked. Empty: the system's resolver alone. memberlist: `DNSConfigPath`.
   */
  readonly dnsConfigPath?: string | undefined
  /**
   * How many received messages may wait, per priority; more are dropped and counted. Default 1024.
   * memberlist: `HandoffQueueDepth`.
   */
  readonly handoffQueueDepth?: number | undefined
  /**
   * How many bytes are packed into one packet, default 1400, which fits an Ethernet frame with room for tunnels. Larger
   * carries more gossip per packet and risks fragmentation. What a packet can carry is the transport's to say: UDP over
   * Node.js refuses to start above 65,507; with a transport of your own that carries more, raise
   * `maxDecompressedPacket` of all members as well. memberlist: `UDPBufferSize`.
   */
  readonly udpBufferSize?: number | undefined
  /**
   * How long a dead member's name stays reserved for its old address. Default 0: not at all, so that a container that
   * is replaced under its name is back as soon as its former life was found dead; with `recovery: false`, until its
   * entry is removed. memberlist: `DeadNodeReclaimTime`.
   */
  readonly deadNodeReclaimTime?: Duration.Input | undefined
  /**
   * Refuse to send to an address whose member name is not given; default false. memberlist: `RequireNodeNames`.
   */
  readonly requireNodeNames?: boolean | undefined
  /**
   * The networks that members may have their addresses in, in CIDR notation, default none listed: all. It covers the
   * addresses in alive messages and lists, and where alive messages come from; `cidrsStrict` extends it to everything.
   * IPv4 and IPv6 are listed separately. In text: separated by commas. memberlist: `CIDRsAllowed`.
   */
  readonly cidrsAllowed?: ReadonlyArray<string> | undefined
  /**
   * Apply `cidrsAllowed` to everything: packets and streams from elsewhere are dropped unread, and pings that ask to be
   * answered elsewhere, or to probe somebody elsewhere, are not served. Default false, as in memberlist, which checks
   * the sources and addresses of alive messages only; leave it so where address translation hides the peers' own
   * addresses.
   */
  readonly cidrsStrict?: boolean | undefined
  /**
   * Attributes of every metric this node reports, default none. Several nodes in one process need them, to be told
   * apart: without, what they count is added up, and the last one to set a gauge wins. At most 32; names are letters,
   * digits and underscores, and not `reason`, `node_state` or `time_unit`, which the metrics use themselves. Each label
   * with more values makes more series to store. In text: `cluster=orders,zone=b`. memberlist: `MetricLabels`.
   */
  readonly metricLabels?: Readonly<Record<string, string>> | undefined
  /**
   * How often the lengths of the broadcast queues are sampled into `memberlist.queue.broadcasts`, and the members
   * counted into `memberlist.node.instances`: default 30 s; 0 switches that off (in the reference it keeps a processor
   * busy). memberlist: `QueueCheckInterval`.
   */
  readonly queueCheckInterval?: Duration.Input | undefined
  /**
   * The metadata this node starts with, at most 512 bytes, default none. In text: its UTF-8 bytes.
   * memberlist: `Delegate.NodeMeta`.
   */
  readonly meta?: Uint8Array | undefined
  /**
   * How long a graceful leave may wait for the news to be handed to the network, default 5 s. memberlist: the argument
   * of `Leave`.
   */
  readonly leaveTimeout?: Duration.Input | undefined
  /** How many events each subscriber may be behind before it loses the oldest, default 1024. */
  readonly eventBuffer?: number | undefined
  /** How many user messages each subscriber may be behind before it loses the oldest, default 1024. */
  readonly messageBuffer?: number | undefined
  /**
   * How many entries, dead ones included, the member table may hold. Default 65,536. When it is full, a newcomer takes
   * the place of an entry that nothing ever came from in three rounds of probing (at least 30 probe intervals); where
   * there is none, it is refused.
   */
  readonly maxMembers?: number | undefined
  /**
   * How many bytes the compressed parts of one packet may decompress to together, default 262,144: four full UDP
   * datagrams. What is above is refused. Raise it only with a transport whose packets are larger. (In the reference a
   * single packet can decompress to 40 MiB, again and again.)
   */
  readonly maxDecompressedPacket?: number | undefined
  /**
   * How many inbound TCP connections are served at once, default 256. One more takes the place of another: of the
   * address that has most, the one that has been idle longest. Those that a key of ours has authenticated go last.
   */
  readonly maxInboundStreams?: number | undefined
  /**
   * How many bytes all inbound TCP connections may hold together, default 134,217,728 (128 MiB), at least 4 MiB: of
   * requests that no key of ours has authenticated, received, decompressed and decoded, and of answers that their peers
   * have not read. When it is too little, the address that holds most loses the longest idle of its large connections.
   * Without a key every request counts until it is served: leave room for a few of the cluster's whole states.
   */
  readonly maxInboundBytes?: number | undefined
  /** How many state exchanges peers may have open with us at once, default 127 as in the reference. */
  readonly maxPushPulls?: number | undefined
  /**
   * Who has a name that two nodes claim, default `keep`: the one this node knew first, as in the reference. `replace`:
   * the one with the higher incarnation, and this node takes its own name when it joins, by announcing itself above
   * whoever has it. For members that come back under the same name at another address before anybody noticed that they
   * were gone (containers). It trades safety for that: a node started by mistake under the name of a live one pushes it
   * out. Members with `keep` do not follow. A node never gives up its own name.
   */
  readonly nameConflictPolicy?: "keep" | "replace" | undefined
  /**
   * The source that the failure detector follows where HashiCorp's code and the Lifeguard paper differ, default
   * `memberlist`.
   * `paper` is for repeating the paper's experiments: the probe timeout is stretched by the local health score as the
   * interval is; a failed probe costs a point of it, and one more when a nack was missed; helpers send their nack after
   * 80 % of the probe timeout, none are asked for when the score is switched off (`awarenessMaxMultiplier` 1), and they
   * tell a suspect of the suspicion; and it makes no difference who was heard from (no refutation or accusation is sent
   * straight to the member it concerns, and gossip goes to anybody). The two profiles speak the same protocol.
   */
  readonly profile?: "memberlist" | "paper" | undefined
  /**
   * How many independent confirmations bring a suspicion down to its shortest time, and are gossiped on: Lifeguard's K.
   * Default none given: suspicionMult − 2, as in the reference. 0 leaves every suspicion its shortest time from the
   * start. It should be the same in the whole cluster.
   */
  readonly suspicionConfirmations?: number | undefined
  /**
   * Tell a suspect of the suspicion in the very packet that pings it, so that it can refute at once; default true.
   * Lifeguard's buddy system.
   */
  readonly buddySystem?: boolean | undefined
  /**
   * Find back members that were lost to a broken network, and seeds that are not in the list; default true. Lost
   * members are remembered and contacted again, those that others hold for dead are told so that they can contradict,
   * lists that are exchanged after a split accuse nobody, and what a list says about unknown third members is verified
   * before it is believed. A node that was late, or that hears nobody, doubts itself before it accuses others. `false`,
   * or the profile `paper`: everything as the reference has it, where a list that was split stays split.
   */
  readonly recovery?: boolean | undefined
  /**
   * The pause between two tries of a side of a split to find the other, on average; default 10 s. Each member makes one
   * with a probability of one over the members it sees, so that a side tries six times a minute, however many it has.
   */
  readonly healInterval?: Duration.Input | undefined
  /** How many lost members are remembered, default 256; the latest stay. */
  readonly maxLostPeers?: number | undefined
  /** How long a lost member is remembered, default 24 hours. */
  readonly lostPeerTime?: Duration.Input | undefined
  /**
   * How long a hook of the delegate may take that an exchange waits for (`admit`, `merge`, `localState`): a quarter of
   * `tcpTimeout` by default, at most half of it, because two of them may be part of one exchange, and the peer waits
   * its own `tcpTimeout` for the whole. It is also how long a `join` waits until `mergeRemoteState` has taken the
   * state. A hook that takes longer has given no answer.
   */
  readonly decisionHookTimeout?: Duration.Input | undefined
  /**
   * How long a hook of the delegate may take that a packet waits for (`ackPayload`, `broadcasts`): a fifth of
   * `probeTimeout` by default, at most half of it, because both may hold up an ack, and whoever probes us waits its own
   * `probeTimeout` for it. A hook that takes longer has given no answer.
   */
  readonly packetHookTimeout?: Duration.Input | undefined
  /** How many seeds are contacted at the same time by one join, default 4. (The reference: one after the other.) */
  readonly joinConcurrency?: number | undefined
  /**
   * When a node with `Seeds` tries again to join somebody, default after 1 s, 2 s, 4 s and so on up to 30 s, a fifth
   * more or less. Where it ends, the node gives up until other seeds are told.
   */
  readonly joinSchedule?: Schedule.Schedule<unknown> | undefined
  /**
   * How long `Memberlist.ready` may wait until a node with `Seeds` has joined somebody, counted from its start; default
   * none given: without limit. The node goes on trying after that.
   */
  readonly readyTimeout?: Duration.Input | undefined
  /** How many received packets may wait to be read; more are dropped and counted. Default 2048. */
  readonly packetBuffer?: number | undefined
}
