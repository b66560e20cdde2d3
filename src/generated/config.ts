// Generated from schemas/ by npm run generate. Do not edit.
/**
 * Every setting of a node. The environment name of a setting is TRELLIS_ and its path in capitals (http.port: TRELLIS_HTTP_PORT), its flag is the path (--http.port).
 */
export interface Config {
  /**
   * Folder of the data files; one process at a time.
   */
  data_dir: string
  /**
   * The identity of this node.
   */
  node: {
    /**
     * Name of the node in the mesh: letters, digits, - and _.
     */
    name: string
  }
  /**
   * The first super user, made when the data folder is new; ignored later, when `trellis reset-password` gives a new password to a node that is stopped.
   */
  admin: {
    /**
     * Name of the first super user.
     */
    username: string
    /**
     * Password of the first super user; empty: a random one, printed once on standard error.
     */
    password: string
  }
  /**
   * Sharing tables with other nodes. A node without it needs no nats-server.
   */
  clustering: {
    /**
     * Whether the node starts its mesh servers and answers other nodes.
     */
    enabled: boolean
    /**
     * Name of the mesh; hubs join only others of the same name.
     */
    name: string
    /**
     * Address on which the mesh listens for other nodes (hub.cluster_port, hub.leafnode_port). Other than loopback only with TLS.
     */
    host: string
    /**
     * What all nodes of a mesh without TLS share, on loopback. Without it and without TLS a node stays alone.
     */
    secret: string
    /**
     * An edge node: no hub, its leaf dials hubs elsewhere (cluster_set_routes, server leaf).
     */
    leaf_only: boolean
    /**
     * Path of nats-server (2.10.23 or newer); empty: the one on PATH.
     */
    nats_server: string
    /**
     * Whether changes that came from other nodes are passed on: for chains and rings of nodes.
     */
    republish: boolean
    /**
     * Whether users and roles are shared with the nodes that share tables with this one.
     */
    replicate_access: boolean
    /**
     * How far ahead of this node's clock a change of another node may be; further ahead it is refused.
     */
    clock_ahead_ms_max: number
    /**
     * How long another node may take to answer where the request says nothing else.
     */
    request_timeout_ms: number
    /**
     * Largest message between nodes.
     */
    message_bytes_max: number
    /**
     * The server that joins this node to the others.
     */
    hub: {
      /**
       * For clients of the hub.
       */
      port: number
      /**
       * For leafs: this node's own and those of edge nodes.
       */
      leafnode_port: number
      /**
       * For the hubs of other nodes: the port of their routes.
       */
      cluster_port: number
    }
    /**
     * The server that keeps this node's outbox.
     */
    leaf: {
      /**
       * For this node's own connection.
       */
      port: number
      /**
       * Disk space of the outbox; when it is full the oldest messages go, and who needs them reads the log.
       */
      store_bytes_max: number
    }
    /**
     * Mutual TLS between nodes: all three files, or none. Made with: trellis cluster-ca.
     */
    tls: {
      /**
       * PEM file with this node's certificate.
       */
      certificate: string
      /**
       * PEM file with its private key.
       */
      private_key: string
      /**
       * PEM file with the certificate of the mesh's authority.
       */
      certificate_authority: string
    }
  }
  /**
   * The structured log on standard error.
   */
  log: {
    /**
     * Least severe level that is written.
     */
    level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'
    /**
     * Newest lines of the log that are kept in memory for read_log.
     */
    kept_lines_max: number
  }
  /**
   * The environment of records, catalog and change log.
   */
  storage: {
    /**
     * Address space that is reserved for the data file at the start. The file grows as needed; one that becomes larger takes more. It is no limit: to keep the file from filling the disk, give the data folder a file system of its own.
     */
    map_bytes: number
    /**
     * Snapshots that may be open at a time.
     */
    readers_max: number
    /**
     * Changes that one commit gathers before further writers wait.
     */
    group_bytes_max: number
  }
  /**
   * How much structure a node holds.
   */
  catalog: {
    /**
     * Databases of a node.
     */
    databases_max: number
    /**
     * Tables of one database.
     */
    tables_max: number
    /**
     * Columns or attributes of one table.
     */
    columns_max: number
  }
  /**
   * Records.
   */
  tables: {
    /**
     * Memory for decoded records.
     */
    cache_bytes_max: number
    /**
     * Memory for stretches of indexes that were read lately.
     */
    index_cache_bytes_max: number
    /**
     * Memory for filters of the keys that have one value of an index: they spare reading records that lack it. 0: none.
     */
    key_filters_bytes_max: number
    /**
     * Index entries of new records that wait in memory and go into their B-tree together; after a crash they are made again from the change log. 0: each at once.
     */
    postponed_entries_max: number
    /**
     * Disk space for copies of records that share a value which is often asked for: they are read in one piece then. Never more than is free beside them. 0: none are made.
     */
    gathered_bytes_max: number
    /**
     * Records of one operation; beyond it: 413.
     */
    records_max: number
    /**
     * Records that one change may carry along through foreign keys, and that one `update` or `delete` with `where` may change; beyond it: 413.
     */
    cascade_records_max: number
    /**
     * How long changes stay in the log.
     */
    log_retention_hours: number
    /**
     * Largest size of the change log; the oldest changes go first.
     */
    log_bytes_max: number
    /**
     * How long the deletion of a record is remembered.
     */
    tombstone_retention_hours: number
    /**
     * Entries that the background cleaning removes in one transaction.
     */
    cleaning_step_max: number
    /**
     * Time between two rounds of background cleaning.
     */
    cleaning_interval_ms: number
    /**
     * How long the first answer of a request with an idempotency key is kept.
     */
    replay_life_hours: number
  }
  /**
   * Event tables and the scripts over them.
   */
  events: {
    /**
     * Worker threads; 0: one for each core. Never more than environments, whose number is fixed when the data folder is made.
     */
    workers: number
    /**
     * Decoded columns kept in memory, by all workers together.
     */
    cache_bytes_max: number
    /**
     * Partitions of event tables that are made without saying how many; 0: two for each core, at least 8.
     */
    partitions: number
    /**
     * Inserts of events that may be under way; one more is answered 429.
     */
    inserts_max: number
    /**
     * Rows of one person; events beyond are rejected.
     */
    rows_per_person_max: number
    /**
     * Rows that the arrays of one event may make; beyond it the event is rejected.
     */
    rows_per_event_max: number
    /**
     * Deepest nesting of an event's values; beyond it the event is rejected.
     */
    depth_max: number
    /**
     * Longest id of a person; beyond it the event is rejected.
     */
    person_characters_max: number
    /**
     * Longest text of a value; beyond it the event is rejected.
     */
    text_characters_max: number
    /**
     * Most elements of one set; beyond it the event is rejected.
     */
    set_elements_max: number
    /**
     * Stored segments of one table. When there are so many, the one that expired first makes room.
     */
    segments_max: number
    /**
     * A segment older than its ttl can still be used by name; it is removed when nobody has used it for so long.
     */
    expired_segment_keep_ms: number
    /**
     * Longest PyQL script.
     */
    script_characters_max: number
    /**
     * Groups in one result, counted for each segment that was asked for; beyond it: 422.
     */
    result_nodes_max: number
    /**
     * Characters in one result; beyond it: 422 for scripts, 413 for columns and persons.
     */
    result_characters_max: number
    /**
     * Loops and calls that a script may make for one person.
     */
    steps_max: number
    /**
     * Elements and characters that a script may make for one person.
     */
    elements_max: number
    /**
     * Deepest nesting of a script's calls.
     */
    call_depth_max: number
    /**
     * Values kept by debug() and log() of one query.
     */
    trace_lines_max: number
  }
  /**
   * Triggers of event tables.
   */
  triggers: {
    /**
     * Triggers of all tables together.
     */
    triggers_max: number
    /**
     * Subscribers of one trigger.
     */
    subscribers_max: number
    /**
     * How often scheduled functions that are due are looked for.
     */
    schedule_check_ms: number
    /**
     * Scheduled functions that run in one go.
     */
    scheduled_max: number
    /**
     * Inserts of one partition that triggers look at in one go; of large ones every 500 people count as one.
     */
    inserts_batch_max: number
  }
  /**
   * Delivery of the messages of triggers.
   */
  webhooks: {
    /**
     * Hosts (hook.internal, 127.0.0.1), hosts with ports (127.0.0.1:8080) and networks (10.1.0.0/16) that web-hooks may have although they are loopback, private, link-local or otherwise not public.
     */
    allow: string[]
    /**
     * Time for one call, connecting included.
     */
    timeout_ms: number
    /**
     * Messages in one call.
     */
    messages_max: number
    /**
     * Pause after the first failure; doubled after each further one, half of it left to chance.
     */
    backoff_first_ms: number
    /**
     * Longest pause between attempts.
     */
    backoff_max_ms: number
    /**
     * Age at which a message that was not delivered becomes a dead letter, unless the subscription says otherwise.
     */
    retention_ms: number
    /**
     * Messages that wait for one subscriber; further ones become dead letters.
     */
    queue_max: number
    /**
     * Dead letters kept for one subscriber; the oldest goes first.
     */
    dead_letters_max: number
    /**
     * Longest message; what is beyond is cut off.
     */
    message_characters_max: number
  }
  /**
   * The door.
   */
  http: {
    /**
     * Address to listen on; ::, every one.
     */
    host: string
    /**
     * Port to listen on; 0: any free one.
     */
    port: number
    /**
     * Largest request body; beyond it: 413.
     */
    body_bytes_max: number
    /**
     * Deepest nesting of a JSON body; beyond it: 413.
     */
    body_depth_max: number
    /**
     * Most object keys in one JSON body; beyond it: 413.
     */
    body_keys_max: number
    /**
     * Time for a client to send its headers; beyond it: 408.
     */
    headers_timeout_ms: number
    /**
     * Time for a client to send a whole request; beyond it: 408.
     */
    request_timeout_ms: number
    /**
     * Time for one operation to run; beyond it it is stopped: 408.
     */
    statement_timeout_ms: number
    /**
     * Open connections; one more is answered 429 and closed.
     */
    sockets_max: number
    /**
     * Origins of web pages that may call the node from a browser, as https://app.example; *: every one, but only with JSON and credentials that the page itself brings. Separated by commas in the environment.
     */
    cors_origins: string[]
    /**
     * How long a stopping node lets running requests finish.
     */
    stop_timeout_ms: number
    /**
     * HTTPS: both files set, or neither.
     */
    tls: {
      /**
       * PEM file with the certificate and its chain.
       */
      certificate: string
      /**
       * PEM file with the private key.
       */
      key: string
    }
  }
  /**
   * Reading by condition: select, search_by_value, search_by_conditions.
   */
  select: {
    /**
     * Memory that one query may hold for sorting, grouping and joining; beyond it: 400.
     */
    memory_bytes_max: number
    /**
     * Most rows in one answer. A select is cut there and says where it goes on; a search is refused: 400.
     */
    result_rows_max: number
    /**
     * Most groups in one query; beyond it: 400.
     */
    groups_max: number
    /**
     * Most tests in one condition, and a hundredth of the values in one list of 'in'; beyond it: 400.
     */
    conditions_max: number
    /**
     * How long a query runs before it lets others run.
     */
    slice_ms: number
    /**
     * Answers longer than this are sent in pieces and never built whole.
     */
    stream_above_bytes: number
  }
  /**
   * Backups.
   */
  backup: {
    /**
     * Folder of the backups that create_backup, backup_verify and restore_backup name by file; empty: none. Nothing outside of it can be read or written.
     */
    dir: string
  }
  /**
   * Long work in the background: loads, exports, deletions.
   */
  jobs: {
    /**
     * Folder that csv_file_load may read from; empty: none. Nothing outside of it can be read.
     */
    import_dir: string
    /**
     * Folder that export_local writes to; empty: none. Nothing outside of it can be written.
     */
    export_dir: string
    /**
     * Jobs that run at the same time.
     */
    running_max: number
    /**
     * Jobs that may wait for their turn; one more is answered 429.
     */
    waiting_max: number
    /**
     * Jobs that are remembered; the oldest that has ended is forgotten.
     */
    kept_max: number
    /**
     * Largest result that a job may keep.
     */
    result_bytes_max: number
    /**
     * Errors of rows that get_job answers, the first ones.
     */
    errors_shown_max: number
    /**
     * Rows that a load may leave out because they cannot be taken; beyond it the job ends.
     */
    bad_rows_max: number
  }
  /**
   * Sign-in.
   */
  access: {
    /**
     * Life of an operation token.
     */
    operation_token_ttl_s: number
    /**
     * Life of a refresh token.
     */
    refresh_token_ttl_s: number
    /**
     * How long a verified user name and password is remembered (as a keyed hash).
     */
    basic_cache_ttl_s: number
    /**
     * Most verified credentials remembered at a time.
     */
    basic_cache_entries_max: number
    /**
     * Passes of scrypt (its p, with N = 2^15 and r = 8) for new password hashes; more take longer, for us and for who guesses.
     */
    password_hash_passes: number
    /**
     * Password hashes computed at the same time, each on a core of its own: with 1, guessing never takes more than one.
     */
    password_hashes_at_once_max: number
    /**
     * Sign-ins that may wait for a hash; one more is answered 429.
     */
    password_hashes_waiting_max: number
    /**
     * Life of a user token (create_token), and the longest that can be asked for.
     */
    user_token_ttl_s: number
    /**
     * Life of a join token, and the longest that can be asked for.
     */
    join_token_ttl_s: number
    /**
     * Life of a service token, and the longest that can be asked for.
     */
    service_token_ttl_s: number
    /**
     * Fewest characters of a password in add_user and alter_user; register_user always wants 8.
     */
    password_length_min: number
    /**
     * Most users.
     */
    users_max: number
    /**
     * Most roles.
     */
    roles_max: number
    /**
     * Most keys for programs that one user may have.
     */
    api_keys_per_user_max: number
    /**
     * Most keys that sign or still verify tokens.
     */
    signing_keys_max: number
    /**
     * Lines of the audit log that are kept; the oldest make room.
     */
    audit_entries_max: number
    /**
     * Slowing down the guessing of passwords.
     */
    sign_in: {
      /**
       * Failures in a row of one user from one address, from which on each further attempt must wait: 1 s, then twice as long each time.
       */
      failures_before_delay: number
      /**
       * Failures in a row of one user from one address that lock it out from there.
       */
      failures_before_lock: number
      /**
       * How long a lock lasts, and after how much quiet failures are forgotten.
       */
      lock_s: number
      /**
       * Failures of one address with any user names, from which on users who never signed in from there must wait.
       */
      address_failures_before_delay: number
      /**
       * Users and addresses whose failures are remembered.
       */
      entries_max: number
    }
  }
}
