// Generated from schemas/ by npm run generate. Do not edit.
import type { Contracts } from './contracts.js'

/** Every operation by the name of its method, and whether it changes anything. */
export const methods = {
  addApiKey: { operation: 'add_api_key', changes: true },
  addRole: { operation: 'add_role', changes: true },
  addUser: { operation: 'add_user', changes: true },
  alterRole: { operation: 'alter_role', changes: true },
  alterUser: { operation: 'alter_user', changes: true },
  createAuthenticationTokens: { operation: 'create_authentication_tokens', changes: false },
  createToken: { operation: 'create_token', changes: false },
  dropApiKey: { operation: 'drop_api_key', changes: true },
  dropRole: { operation: 'drop_role', changes: true },
  dropUser: { operation: 'drop_user', changes: true },
  explainAccess: { operation: 'explain_access', changes: false },
  listApiKeys: { operation: 'list_api_keys', changes: false },
  listKeys: { operation: 'list_keys', changes: false },
  listRoles: { operation: 'list_roles', changes: false },
  listUsers: { operation: 'list_users', changes: false },
  readAuditLog: { operation: 'read_audit_log', changes: false },
  refreshOperationToken: { operation: 'refresh_operation_token', changes: false },
  registerUser: { operation: 'register_user', changes: true },
  rotateKeys: { operation: 'rotate_keys', changes: true },
  shareDatabase: { operation: 'share_database', changes: true },
  unshareDatabase: { operation: 'unshare_database', changes: true },
  userInfo: { operation: 'user_info', changes: false },
  createDatabase: { operation: 'create_database', changes: true },
  describeAll: { operation: 'describe_all', changes: false },
  describeDatabase: { operation: 'describe_database', changes: false },
  dropDatabase: { operation: 'drop_database', changes: true },
  dropSegment: { operation: 'drop_segment', changes: true },
  insertEvents: { operation: 'insert_events', changes: true },
  listSegments: { operation: 'list_segments', changes: false },
  queryBatch: { operation: 'query_batch', changes: false },
  queryColumn: { operation: 'query_column', changes: false },
  queryEvents: { operation: 'query_events', changes: false },
  queryHistogram: { operation: 'query_histogram', changes: false },
  queryPerson: { operation: 'query_person', changes: false },
  querySegments: { operation: 'query_segments', changes: false },
  addNode: { operation: 'add_node', changes: true },
  clusterDeleteRoutes: { operation: 'cluster_delete_routes', changes: true },
  clusterGetRoutes: { operation: 'cluster_get_routes', changes: false },
  clusterNetwork: { operation: 'cluster_network', changes: false },
  clusterSetRoutes: { operation: 'cluster_set_routes', changes: true },
  clusterStatus: { operation: 'cluster_status', changes: false },
  configureCluster: { operation: 'configure_cluster', changes: true },
  purgeStream: { operation: 'purge_stream', changes: true },
  removeNode: { operation: 'remove_node', changes: true },
  updateNode: { operation: 'update_node', changes: true },
  verifyReplicas: { operation: 'verify_replicas', changes: false },
  csvDataLoad: { operation: 'csv_data_load', changes: true },
  csvFileLoad: { operation: 'csv_file_load', changes: true },
  delete: { operation: 'delete', changes: true },
  deleteRecordsBefore: { operation: 'delete_records_before', changes: true },
  deleteTransactionLogsBefore: { operation: 'delete_transaction_logs_before', changes: true },
  exportLocal: { operation: 'export_local', changes: true },
  insert: { operation: 'insert', changes: true },
  readTransactionLog: { operation: 'read_transaction_log', changes: false },
  replaceRecords: { operation: 'replace_records', changes: true },
  searchByConditions: { operation: 'search_by_conditions', changes: false },
  searchById: { operation: 'search_by_id', changes: false },
  searchByValue: { operation: 'search_by_value', changes: false },
  select: { operation: 'select', changes: false },
  transaction: { operation: 'transaction', changes: true },
  update: { operation: 'update', changes: true },
  upsert: { operation: 'upsert', changes: true },
  backupVerify: { operation: 'backup_verify', changes: false },
  cancelJob: { operation: 'cancel_job', changes: true },
  createBackup: { operation: 'create_backup', changes: false },
  describeOperations: { operation: 'describe_operations', changes: false },
  getConfiguration: { operation: 'get_configuration', changes: false },
  getJob: { operation: 'get_job', changes: false },
  health: { operation: 'health', changes: false },
  metrics: { operation: 'metrics', changes: false },
  openapi: { operation: 'openapi', changes: false },
  ping: { operation: 'ping', changes: false },
  postman: { operation: 'postman', changes: false },
  readLog: { operation: 'read_log', changes: false },
  ready: { operation: 'ready', changes: false },
  restoreBackup: { operation: 'restore_backup', changes: true },
  searchJobsByStartDate: { operation: 'search_jobs_by_start_date', changes: false },
  setConfiguration: { operation: 'set_configuration', changes: true },
  status: { operation: 'status', changes: false },
  systemInformation: { operation: 'system_information', changes: false },
  addColumn: { operation: 'add_column', changes: true },
  createTable: { operation: 'create_table', changes: true },
  describeTable: { operation: 'describe_table', changes: false },
  dropColumn: { operation: 'drop_column', changes: true },
  dropTable: { operation: 'drop_table', changes: true },
  listTables: { operation: 'list_tables', changes: false },
  createTrigger: { operation: 'create_trigger', changes: true },
  describeTrigger: { operation: 'describe_trigger', changes: false },
  dropTrigger: { operation: 'drop_trigger', changes: true },
  listDeadLetters: { operation: 'list_dead_letters', changes: false },
  listTriggers: { operation: 'list_triggers', changes: false },
  resendDeadLetters: { operation: 'resend_dead_letters', changes: true },
  subscribeTrigger: { operation: 'subscribe_trigger', changes: true },
  unsubscribeTrigger: { operation: 'unsubscribe_trigger', changes: true },
} as const satisfies Record<string, { operation: keyof Contracts; changes: boolean }>

/** One method for each operation. */
export interface Methods<Options> {
  /** Makes a key for a program. */
  addApiKey(request: Contracts['add_api_key']['sent'], options?: Options): Promise<Contracts['add_api_key']['response']>
  /** Makes a role. */
  addRole(request: Contracts['add_role']['sent'], options?: Options): Promise<Contracts['add_role']['response']>
  /** Makes a user. */
  addUser(request: Contracts['add_user']['sent'], options?: Options): Promise<Contracts['add_user']['response']>
  /** Changes a role. */
  alterRole(request: Contracts['alter_role']['sent'], options?: Options): Promise<Contracts['alter_role']['response']>
  /** Changes a user. */
  alterUser(request: Contracts['alter_user']['sent'], options?: Options): Promise<Contracts['alter_user']['response']>
  /** Makes a pair of tokens. */
  createAuthenticationTokens(request?: Contracts['create_authentication_tokens']['sent'], options?: Options): Promise<Contracts['create_authentication_tokens']['response']>
  /** Makes a token for the caller. */
  createToken(request?: Contracts['create_token']['sent'], options?: Options): Promise<Contracts['create_token']['response']>
  /** Ends a key for a program. */
  dropApiKey(request: Contracts['drop_api_key']['sent'], options?: Options): Promise<Contracts['drop_api_key']['response']>
  /** Removes a role. */
  dropRole(request: Contracts['drop_role']['sent'], options?: Options): Promise<Contracts['drop_role']['response']>
  /** Removes a user. */
  dropUser(request: Contracts['drop_user']['sent'], options?: Options): Promise<Contracts['drop_user']['response']>
  /** Explains why a user may or may not run an operation. */
  explainAccess(request: Contracts['explain_access']['sent'], options?: Options): Promise<Contracts['explain_access']['response']>
  /** Lists keys for programs. */
  listApiKeys(request?: Contracts['list_api_keys']['sent'], options?: Options): Promise<Contracts['list_api_keys']['response']>
  /** Lists the public halves of the signing keys. */
  listKeys(request?: Contracts['list_keys']['sent'], options?: Options): Promise<Contracts['list_keys']['response']>
  /** Lists the roles. */
  listRoles(request?: Contracts['list_roles']['sent'], options?: Options): Promise<Contracts['list_roles']['response']>
  /** Lists the users. */
  listUsers(request?: Contracts['list_users']['sent'], options?: Options): Promise<Contracts['list_users']['response']>
  /** Reads who changed users, roles, keys, shares and settings. */
  readAuditLog(request?: Contracts['read_audit_log']['sent'], options?: Options): Promise<Contracts['read_audit_log']['response']>
  /** Makes a new operation token. */
  refreshOperationToken(request?: Contracts['refresh_operation_token']['sent'], options?: Options): Promise<Contracts['refresh_operation_token']['response']>
  /** Registers a user with an email address. */
  registerUser(request: Contracts['register_user']['sent'], options?: Options): Promise<Contracts['register_user']['response']>
  /** Signs tokens with a new key. */
  rotateKeys(request?: Contracts['rotate_keys']['sent'], options?: Options): Promise<Contracts['rotate_keys']['response']>
  /** Shares a database with a user. */
  shareDatabase(request: Contracts['share_database']['sent'], options?: Options): Promise<Contracts['share_database']['response']>
  /** Ends the sharing of a database with a user. */
  unshareDatabase(request: Contracts['unshare_database']['sent'], options?: Options): Promise<Contracts['unshare_database']['response']>
  /** Answers who the caller is. */
  userInfo(request?: Contracts['user_info']['sent'], options?: Options): Promise<Contracts['user_info']['response']>
  /** Creates a database. */
  createDatabase(request?: Contracts['create_database']['sent'], options?: Options): Promise<Contracts['create_database']['response']>
  /** Describes all databases and their tables. */
  describeAll(request?: Contracts['describe_all']['sent'], options?: Options): Promise<Contracts['describe_all']['response']>
  /** Describes the tables of a database. */
  describeDatabase(request?: Contracts['describe_database']['sent'], options?: Options): Promise<Contracts['describe_database']['response']>
  /** Drops a database with all its tables. */
  dropDatabase(request: Contracts['drop_database']['sent'], options?: Options): Promise<Contracts['drop_database']['response']>
  /** Drops a stored segment. */
  dropSegment(request: Contracts['drop_segment']['sent'], options?: Options): Promise<Contracts['drop_segment']['response']>
  /** Inserts events of people. */
  insertEvents(request: Contracts['insert_events']['sent'], options?: Options): Promise<Contracts['insert_events']['response']>
  /** Lists the stored segments of an event table. */
  listSegments(request: Contracts['list_segments']['sent'], options?: Options): Promise<Contracts['list_segments']['response']>
  /** Runs segments, columns and histograms in one request. */
  queryBatch(request: Contracts['query_batch']['sent'], options?: Options): Promise<Contracts['query_batch']['response']>
  /** Counts the people of each value of a column. */
  queryColumn(request: Contracts['query_column']['sent'], options?: Options): Promise<Contracts['query_column']['response']>
  /** Runs a PyQL script over the events of people. */
  queryEvents(request: Contracts['query_events']['sent'], options?: Options): Promise<Contracts['query_events']['response']>
  /** Counts people by a number that a script returns for each. */
  queryHistogram(request: Contracts['query_histogram']['sent'], options?: Options): Promise<Contracts['query_histogram']['response']>
  /** Answers the events of one person. */
  queryPerson(request: Contracts['query_person']['sent'], options?: Options): Promise<Contracts['query_person']['response']>
  /** Computes segments: named sets of people. */
  querySegments(request: Contracts['query_segments']['sent'], options?: Options): Promise<Contracts['query_segments']['response']>
  /** Shares tables with another node. */
  addNode(request: Contracts['add_node']['sent'], options?: Options): Promise<Contracts['add_node']['response']>
  /** Deletes routes of this node. */
  clusterDeleteRoutes(request: Contracts['cluster_delete_routes']['sent'], options?: Options): Promise<Contracts['cluster_delete_routes']['response']>
  /** Lists the routes of this node. */
  clusterGetRoutes(request?: Contracts['cluster_get_routes']['sent'], options?: Options): Promise<Contracts['cluster_get_routes']['response']>
  /** Lists the nodes of the mesh. */
  clusterNetwork(request?: Contracts['cluster_network']['sent'], options?: Options): Promise<Contracts['cluster_network']['response']>
  /** Adds routes to other nodes. */
  clusterSetRoutes(request: Contracts['cluster_set_routes']['sent'], options?: Options): Promise<Contracts['cluster_set_routes']['response']>
  /** Says how the mesh is, seen from this node. */
  clusterStatus(request?: Contracts['cluster_status']['sent'], options?: Options): Promise<Contracts['cluster_status']['response']>
  /** Replaces all subscriptions of this node. */
  configureCluster(request: Contracts['configure_cluster']['sent'], options?: Options): Promise<Contracts['configure_cluster']['response']>
  /** Empties the outbox of a table. */
  purgeStream(request: Contracts['purge_stream']['sent'], options?: Options): Promise<Contracts['purge_stream']['response']>
  /** Ends all sharing with a node. */
  removeNode(request: Contracts['remove_node']['sent'], options?: Options): Promise<Contracts['remove_node']['response']>
  /** Changes which tables are shared with a node. */
  updateNode(request: Contracts['update_node']['sent'], options?: Options): Promise<Contracts['update_node']['response']>
  /** Compares a table with those of other nodes. */
  verifyReplicas(request: Contracts['verify_replicas']['sent'], options?: Options): Promise<Contracts['verify_replicas']['response']>
  /** Loads CSV or newline-delimited JSON that is sent, as a job. */
  csvDataLoad(request: Contracts['csv_data_load']['sent'], options?: Options): Promise<Contracts['csv_data_load']['response']>
  /** Loads a CSV or NDJSON file of the server's import folder, as a job. */
  csvFileLoad(request: Contracts['csv_file_load']['sent'], options?: Options): Promise<Contracts['csv_file_load']['response']>
  /** Deletes records. */
  delete(request: Contracts['delete']['sent'], options?: Options): Promise<Contracts['delete']['response']>
  /** Deletes the records that were made before a time, as a job. */
  deleteRecordsBefore(request: Contracts['delete_records_before']['sent'], options?: Options): Promise<Contracts['delete_records_before']['response']>
  /** Forgets old changes of a table, as a job. */
  deleteTransactionLogsBefore(request: Contracts['delete_transaction_logs_before']['sent'], options?: Options): Promise<Contracts['delete_transaction_logs_before']['response']>
  /** Writes a table or what a query answers into a file of the server, as a job. */
  exportLocal(request: Contracts['export_local']['sent'], options?: Options): Promise<Contracts['export_local']['response']>
  /** Stores new records. */
  insert(request: Contracts['insert']['sent'], options?: Options): Promise<Contracts['insert']['response']>
  /** Reads the changes of a table. */
  readTransactionLog(request: Contracts['read_transaction_log']['sent'], options?: Options): Promise<Contracts['read_transaction_log']['response']>
  /** Makes a table hold exactly the given records. */
  replaceRecords(request: Contracts['replace_records']['sent'], options?: Options): Promise<Contracts['replace_records']['response']>
  /** Reads the records that meet conditions. */
  searchByConditions(request: Contracts['search_by_conditions']['sent'], options?: Options): Promise<Contracts['search_by_conditions']['response']>
  /** Reads records by their keys. */
  searchById(request: Contracts['search_by_id']['sent'], options?: Options): Promise<Contracts['search_by_id']['response']>
  /** Reads the records in which an attribute has a value. */
  searchByValue(request: Contracts['search_by_value']['sent'], options?: Options): Promise<Contracts['search_by_value']['response']>
  /** Reads, joins, counts and groups records. */
  select(request: Contracts['select']['sent'], options?: Options): Promise<Contracts['select']['response']>
  /** Several writes, all or nothing. */
  transaction(request: Contracts['transaction']['sent'], options?: Options): Promise<Contracts['transaction']['response']>
  /** Changes records. */
  update(request: Contracts['update']['sent'], options?: Options): Promise<Contracts['update']['response']>
  /** Stores records, new or not. */
  upsert(request: Contracts['upsert']['sent'], options?: Options): Promise<Contracts['upsert']['response']>
  /** Restores a backup aside and checks it, as a job. */
  backupVerify(request: Contracts['backup_verify']['sent'], options?: Options): Promise<Contracts['backup_verify']['response']>
  /** Stops a job. */
  cancelJob(request: Contracts['cancel_job']['sent'], options?: Options): Promise<Contracts['cancel_job']['response']>
  /** Copies everything that the node holds, while it serves. */
  createBackup(request?: Contracts['create_backup']['sent'], options?: Options): Promise<Contracts['create_backup']['response']>
  /** Lists the operations with their fields. */
  describeOperations(request?: Contracts['describe_operations']['sent'], options?: Options): Promise<Contracts['describe_operations']['response']>
  /** Answers the settings of the node. */
  getConfiguration(request?: Contracts['get_configuration']['sent'], options?: Options): Promise<Contracts['get_configuration']['response']>
  /** Answers a job with its progress. */
  getJob(request: Contracts['get_job']['sent'], options?: Options): Promise<Contracts['get_job']['response']>
  /** Answers whether the process is alive. */
  health(request?: Contracts['health']['sent'], options?: Options): Promise<Contracts['health']['response']>
  /** Answers the figures of the node for Prometheus. */
  metrics(request?: Contracts['metrics']['sent'], options?: Options): Promise<Contracts['metrics']['response']>
  /** Answers the OpenAPI 3.1 document of this version. */
  openapi(request?: Contracts['openapi']['sent'], options?: Options): Promise<Contracts['openapi']['response']>
  /** Answers that the node is there. */
  ping(request?: Contracts['ping']['sent'], options?: Options): Promise<Contracts['ping']['response']>
  /** Answers the Postman collection of this version. */
  postman(request?: Contracts['postman']['sent'], options?: Options): Promise<Contracts['postman']['response']>
  /** Reads the newest lines of the node's log. */
  readLog(request?: Contracts['read_log']['sent'], options?: Options): Promise<Contracts['read_log']['response']>
  /** Answers whether the node serves requests. */
  ready(request?: Contracts['ready']['sent'], options?: Options): Promise<Contracts['ready']['response']>
  /** Brings a database of a backup back under a new name, as a job. */
  restoreBackup(request: Contracts['restore_backup']['sent'], options?: Options): Promise<Contracts['restore_backup']['response']>
  /** Lists the jobs of a time. */
  searchJobsByStartDate(request: Contracts['search_jobs_by_start_date']['sent'], options?: Options): Promise<Contracts['search_jobs_by_start_date']['response']>
  /** Changes settings of the node. */
  setConfiguration(request?: Contracts['set_configuration']['sent'], options?: Options): Promise<Contracts['set_configuration']['response']>
  /** Answers how the node is doing. */
  status(request?: Contracts['status']['sent'], options?: Options): Promise<Contracts['status']['response']>
  /** Answers figures of the machine and the process. */
  systemInformation(request?: Contracts['system_information']['sent'], options?: Options): Promise<Contracts['system_information']['response']>
  /** Adds a column to a table. */
  addColumn(request: Contracts['add_column']['sent'], options?: Options): Promise<Contracts['add_column']['response']>
  /** Creates a table. */
  createTable(request: Contracts['create_table']['sent'], options?: Options): Promise<Contracts['create_table']['response']>
  /** Describes a table. */
  describeTable(request: Contracts['describe_table']['sent'], options?: Options): Promise<Contracts['describe_table']['response']>
  /** Drops a column of a table. */
  dropColumn(request: Contracts['drop_column']['sent'], options?: Options): Promise<Contracts['drop_column']['response']>
  /** Drops a table. */
  dropTable(request: Contracts['drop_table']['sent'], options?: Options): Promise<Contracts['drop_table']['response']>
  /** Lists the tables of a database. */
  listTables(request?: Contracts['list_tables']['sent'], options?: Options): Promise<Contracts['list_tables']['response']>
  /** Makes a trigger, or changes its script. */
  createTrigger(request: Contracts['create_trigger']['sent'], options?: Options): Promise<Contracts['create_trigger']['response']>
  /** Describes a trigger. */
  describeTrigger(request: Contracts['describe_trigger']['sent'], options?: Options): Promise<Contracts['describe_trigger']['response']>
  /** Drops a trigger. */
  dropTrigger(request: Contracts['drop_trigger']['sent'], options?: Options): Promise<Contracts['drop_trigger']['response']>
  /** Lists messages that could not be delivered. */
  listDeadLetters(request: Contracts['list_dead_letters']['sent'], options?: Options): Promise<Contracts['list_dead_letters']['response']>
  /** Lists the triggers of an event table. */
  listTriggers(request: Contracts['list_triggers']['sent'], options?: Options): Promise<Contracts['list_triggers']['response']>
  /** Sends dead letters once more. */
  resendDeadLetters(request: Contracts['resend_dead_letters']['sent'], options?: Options): Promise<Contracts['resend_dead_letters']['response']>
  /** Sends a trigger's messages to a web-hook. */
  subscribeTrigger(request: Contracts['subscribe_trigger']['sent'], options?: Options): Promise<Contracts['subscribe_trigger']['response']>
  /** Sends a trigger's messages to a web-hook no longer. */
  unsubscribeTrigger(request: Contracts['unsubscribe_trigger']['sent'], options?: Options): Promise<Contracts['unsubscribe_trigger']['response']>
}
