-- The role that the portal should run as on PostgreSQL. Run this with psql as the owner of the tables, after every migrate:
--
--     createuser --no-createdb --no-createrole --no-superuser portal_app
--     psql --dbname=portal --file=docs/postgresql_role.sql
--
-- Then migrate as the owner, and serve as portal_app. The owner could TRUNCATE, disable a trigger or drop it; this role
-- cannot: it adds to what is kept for ever, and changes of a request only what closes it. `manage.py check`, run as
-- portal_app, names every grant that is missing and every one that is too many.
--
-- The first error ends the script, and nothing of it stays. It may be run as often as you like.
\set ON_ERROR_STOP on
BEGIN;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $$;
GRANT USAGE ON SCHEMA public TO portal_app;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM portal_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO portal_app;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM portal_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO portal_app;

-- Which migrations were applied is the owner's to write.
REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM portal_app;

-- Added to, never changed.
REVOKE UPDATE, DELETE ON governance_changelogentry, governance_signoff, runbooks_document FROM portal_app;

-- Added to; of a rule only whether it is in force, of a request only how it was closed, of an
-- incident only that it is settled.
REVOKE UPDATE, DELETE ON governance_signoffrule, governance_statuschangerequest FROM portal_app;
REVOKE UPDATE, DELETE ON governance_ledgerincident FROM portal_app;
GRANT UPDATE (settled_at) ON governance_ledgerincident TO portal_app;
-- Of an assurance, everything but whose it is: triggers take the seal away in this role's name.
REVOKE UPDATE, DELETE ON governance_assurance FROM portal_app;
GRANT UPDATE (request_id, change_sequence, change_hash, generation, seal, written_at) ON governance_assurance TO portal_app;
GRANT UPDATE (in_force) ON governance_signoffrule TO portal_app;
GRANT UPDATE (state, closed_at, closed_reason, applied_at, dependence) ON governance_statuschangerequest TO portal_app;

COMMIT;
