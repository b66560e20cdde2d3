// Generated from schemas/ by npm run generate. Do not edit.
import type { Shapes as AddApiKey } from './operations/access/add_api_key.js'
import type { Shapes as AddRole } from './operations/access/add_role.js'
import type { Shapes as AddUser } from './operations/access/add_user.js'
import type { Shapes as AlterRole } from './operations/access/alter_role.js'
import type { Shapes as AlterUser } from './operations/access/alter_user.js'
import type { Shapes as CreateAuthenticationTokens } from './operations/access/create_authentication_tokens.js'
import type { Shapes as CreateToken } from './operations/access/create_token.js'
import type { Shapes as DropApiKey } from './operations/access/drop_api_key.js'
import type { Shapes as DropRole } from './operations/access/drop_role.js'
import type { Shapes as DropUser } from './operations/access/drop_user.js'
import type { Shapes as ExplainAccess } from './operations/access/explain_access.js'
import type { Shapes as ListApiKeys } from './operations/access/list_api_keys.js'
import type { Shapes as ListKeys } from './operations/access/list_keys.js'
import type { Shapes as ListRoles } from './operations/access/list_roles.js'
import type { Shapes as ListUsers } from './operations/access/list_users.js'
import type { Shapes as ReadAuditLog } from './operations/access/read_audit_log.js'
import type { Shapes as RefreshOperationToken } from './operations/access/refresh_operation_token.js'
import type { Shapes as RegisterUser } from './operations/access/register_user.js'
import type { Shapes as RotateKeys } from './operations/access/rotate_keys.js'
import type { Shapes as ShareDatabase } from './operations/access/share_database.js'
import type { Shapes as UnshareDatabase } from './operations/access/unshare_database.js'
import type { Shapes as UserInfo } from './operations/access/user_info.js'
import type { Shapes as CreateDatabase } from './operations/database/create_database.js'
import type { Shapes as DescribeAll } from './operations/database/describe_all.js'
import type { Shapes as DescribeDatabase } from './operations/database/describe_database.js'
import type { Shapes as DropDatabase } from './operations/database/drop_database.js'
import type { Shapes as DropSegment } from './operations/event/drop_segment.js'
import type { Shapes as InsertEvents } from './operations/event/insert_events.js'
import type { Shapes as ListSegments } from './operations/event/list_segments.js'
import type { Shapes as QueryBatch } from './operations/event/query_batch.js'
import type { Shapes as QueryColumn } from './operations/event/query_column.js'
import type { Shapes as QueryEvents } from './operations/event/query_events.js'
import type { Shapes as QueryHistogram } from './operations/event/query_histogram.js'
import type { Shapes as QueryPerson } from './operations/event/query_person.js'
import type { Shapes as QuerySegments } from './operations/event/query_segments.js'
import type { Shapes as AddNode } from './operations/mesh/add_node.js'
import type { Shapes as ClusterDeleteRoutes } from './operations/mesh/cluster_delete_routes.js'
import type { Shapes as ClusterGetRoutes } from './operations/mesh/cluster_get_routes.js'
import type { Shapes as ClusterNetwork } from './operations/mesh/cluster_network.js'
import type { Shapes as ClusterSetRoutes } from './operations/mesh/cluster_set_routes.js'
import type { Shapes as ClusterStatus } from './operations/mesh/cluster_status.js'
import type { Shapes as ConfigureCluster } from './operations/mesh/configure_cluster.js'
import type { Shapes as PurgeStream } from './operations/mesh/purge_stream.js'
import type { Shapes as RemoveNode } from './operations/mesh/remove_node.js'
import type { Shapes as UpdateNode } from './operations/mesh/update_node.js'
import type { Shapes as VerifyReplicas } from './operations/mesh/verify_replicas.js'
import type { Shapes as CsvDataLoad } from './operations/record/csv_data_load.js'
import type { Shapes as CsvFileLoad } from './operations/record/csv_file_load.js'
import type { Shapes as Delete } from './operations/record/delete.js'
import type { Shapes as DeleteRecordsBefore } from './operations/record/delete_records_before.js'
import type { Shapes as DeleteTransactionLogsBefore } from './operations/record/delete_transaction_logs_before.js'
import type { Shapes as ExportLocal } from './operations/record/export_local.js'
import type { Shapes as Insert } from './operations/record/insert.js'
import type { Shapes as ReadTransactionLog } from './operations/record/read_transaction_log.js'
import type { Shapes as ReplaceRecords } from './operations/record/replace_records.js'
import type { Shapes as SearchByConditions } from './operations/record/search_by_conditions.js'
import type { Shapes as SearchById } from './operations/record/search_by_id.js'
import type { Shapes as SearchByValue } from './operations/record/search_by_value.js'
import type { Shapes as Select } from './operations/record/select.js'
import type { Shapes as Transaction } from './operations/record/transaction.js'
import type { Shapes as Update } from './operations/record/update.js'
import type { Shapes as Upsert } from './operations/record/upsert.js'
import type { Shapes as BackupVerify } from './operations/system/backup_verify.js'
import type { Shapes as CancelJob } from './operations/system/cancel_job.js'
import type { Shapes as CreateBackup } from './operations/system/create_backup.js'
import type { Shapes as DescribeOperations } from './operations/system/describe_operations.js'
import type { Shapes as GetConfiguration } from './operations/system/get_configuration.js'
import type { Shapes as GetJob } from './operations/system/get_job.js'
import type { Shapes as Health } from './operations/system/health.js'
import type { Shapes as Metrics } from './operations/system/metrics.js'
import type { Shapes as Openapi } from './operations/system/openapi.js'
import type { Shapes as Ping } from './operations/system/ping.js'
import type { Shapes as Postman } from './operations/system/postman.js'
import type { Shapes as ReadLog } from './operations/system/read_log.js'
import type { Shapes as Ready } from './operations/system/ready.js'
import type { Shapes as RestoreBackup } from './operations/system/restore_backup.js'
import type { Shapes as SearchJobsByStartDate } from './operations/system/search_jobs_by_start_date.js'
import type { Shapes as SetConfiguration } from './operations/system/set_configuration.js'
import type { Shapes as Status } from './operations/system/status.js'
import type { Shapes as SystemInformation } from './operations/system/system_information.js'
import type { Shapes as AddColumn } from './operations/table/add_column.js'
import type { Shapes as CreateTable } from './operations/table/create_table.js'
import type { Shapes as DescribeTable } from './operations/table/describe_table.js'
import type { Shapes as DropColumn } from './operations/table/drop_column.js'
import type { Shapes as DropTable } from './operations/table/drop_table.js'
import type { Shapes as ListTables } from './operations/table/list_tables.js'
import type { Shapes as CreateTrigger } from './operations/trigger/create_trigger.js'
import type { Shapes as DescribeTrigger } from './operations/trigger/describe_trigger.js'
import type { Shapes as DropTrigger } from './operations/trigger/drop_trigger.js'
import type { Shapes as ListDeadLetters } from './operations/trigger/list_dead_letters.js'
import type { Shapes as ListTriggers } from './operations/trigger/list_triggers.js'
import type { Shapes as ResendDeadLetters } from './operations/trigger/resend_dead_letters.js'
import type { Shapes as SubscribeTrigger } from './operations/trigger/subscribe_trigger.js'
import type { Shapes as UnsubscribeTrigger } from './operations/trigger/unsubscribe_trigger.js'

/** Request and response of every operation. */
export interface Contracts {
  add_api_key: AddApiKey
  add_role: AddRole
  add_user: AddUser
  alter_role: AlterRole
  alter_user: AlterUser
  create_authentication_tokens: CreateAuthenticationTokens
  create_token: CreateToken
  drop_api_key: DropApiKey
  drop_role: DropRole
  drop_user: DropUser
  explain_access: ExplainAccess
  list_api_keys: ListApiKeys
  list_keys: ListKeys
  list_roles: ListRoles
  list_users: ListUsers
  read_audit_log: ReadAuditLog
  refresh_operation_token: RefreshOperationToken
  register_user: RegisterUser
  rotate_keys: RotateKeys
  share_database: ShareDatabase
  unshare_database: UnshareDatabase
  user_info: UserInfo
  create_database: CreateDatabase
  describe_all: DescribeAll
  describe_database: DescribeDatabase
  drop_database: DropDatabase
  drop_segment: DropSegment
  insert_events: InsertEvents
  list_segments: ListSegments
  query_batch: QueryBatch
  query_column: QueryColumn
  query_events: QueryEvents
  query_histogram: QueryHistogram
  query_person: QueryPerson
  query_segments: QuerySegments
  add_node: AddNode
  cluster_delete_routes: ClusterDeleteRoutes
  cluster_get_routes: ClusterGetRoutes
  cluster_network: ClusterNetwork
  cluster_set_routes: ClusterSetRoutes
  cluster_status: ClusterStatus
  configure_cluster: ConfigureCluster
  purge_stream: PurgeStream
  remove_node: RemoveNode
  update_node: UpdateNode
  verify_replicas: VerifyReplicas
  csv_data_load: CsvDataLoad
  csv_file_load: CsvFileLoad
  delete: Delete
  delete_records_before: DeleteRecordsBefore
  delete_transaction_logs_before: DeleteTransactionLogsBefore
  export_local: ExportLocal
  insert: Insert
  read_transaction_log: ReadTransactionLog
  replace_records: ReplaceRecords
  search_by_conditions: SearchByConditions
  search_by_id: SearchById
  search_by_value: SearchByValue
  select: Select
  transaction: Transaction
  update: Update
  upsert: Upsert
  backup_verify: BackupVerify
  cancel_job: CancelJob
  create_backup: CreateBackup
  describe_operations: DescribeOperations
  get_configuration: GetConfiguration
  get_job: GetJob
  health: Health
  metrics: Metrics
  openapi: Openapi
  ping: Ping
  postman: Postman
  read_log: ReadLog
  ready: Ready
  restore_backup: RestoreBackup
  search_jobs_by_start_date: SearchJobsByStartDate
  set_configuration: SetConfiguration
  status: Status
  system_information: SystemInformation
  add_column: AddColumn
  create_table: CreateTable
  describe_table: DescribeTable
  drop_column: DropColumn
  drop_table: DropTable
  list_tables: ListTables
  create_trigger: CreateTrigger
  describe_trigger: DescribeTrigger
  drop_trigger: DropTrigger
  list_dead_letters: ListDeadLetters
  list_triggers: ListTriggers
  resend_dead_letters: ResendDeadLetters
  subscribe_trigger: SubscribeTrigger
  unsubscribe_trigger: UnsubscribeTrigger
}
