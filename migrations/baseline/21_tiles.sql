-- Where what is drawn has changed, a box a statement; and simpler shapes for low zooms.
--
-- The rows of a statement are joined by hashing: a plan made for one row is kept for the session.
-- Rows that show something of them are sought by arrays of numbers, which need no join.

CREATE TABLE tile_change (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_tile_change PRIMARY KEY,
  collection varchar NOT NULL,
  west double precision NOT NULL,
  south double precision NOT NULL,
  east double precision NOT NULL,
  north double precision NOT NULL,
  transaction bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ix_tile_change_transaction ON tile_change (transaction);

CREATE TABLE tile_floor (
  collection varchar CONSTRAINT pk_tile_floor PRIMARY KEY,
  id bigint NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO tile_floor (collection, id)
SELECT unnest(ARRAY[
  'control_areas', 'corridor_nodes', 'corridors', 'datasets', 'named_features', 'pattern_components',
  'plans', 'problems', 'projects', 'regions', 'stations', 'zone_schemes', 'zones']), 0;

CREATE FUNCTION everywhere() RETURNS box2d LANGUAGE sql IMMUTABLE AS
  $$ SELECT 'BOX(-Infinity -Infinity,Infinity Infinity)'::box2d $$;

-- It runs as the owner of the tables: whoever writes rows need not have rights on the log.
CREATE FUNCTION note_tile_change(name text, extent box2d) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  IF extent IS NOT NULL THEN
    INSERT INTO tile_change (collection, west, south, east, north)
    VALUES (name, ST_XMin(extent), ST_YMin(extent), ST_XMax(extent), ST_YMax(extent));
    PERFORM pg_notify('shanhai_tiles', '');
  END IF;
END $$;

CREATE FUNCTION note_tiles_everywhere() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY TG_ARGV LOOP
    PERFORM note_tile_change(name, everywhere());
  END LOOP;
  RETURN NULL;
END $$;

-- Tables that are drawn, and whose rows nothing else shows: the place of a row, before and after,
-- is all that has changed. Links and measures are shown by their project.
DO $do$
DECLARE
  drawn record;
BEGIN
  FOR drawn IN VALUES
    ('zone', 'zones', 'SELECT ST_Extent(geom) FROM %s touched'),
    ('corridor', 'corridors', 'SELECT ST_Extent(geom) FROM %s touched'),
    ('corridor_node', 'corridor_nodes', 'SELECT ST_Extent(geom) FROM %s touched'),
    ('control_area', 'control_areas', 'SELECT ST_Extent(geom) FROM %s touched'),
    ('project', 'projects', 'SELECT ST_Extent(geom) FROM %s touched'),
    ('station', 'stations', 'SELECT ST_Extent(geom) FROM %s touched'),
    -- Rasters are found by these rows, whether or not anyone knows where they lie.
    ('dataset', 'datasets',
     'SELECT coalesce(ST_Extent(footprint), everywhere()) FROM %s touched HAVING count(*) > 0'),
    ('project_region', 'projects',
     'SELECT ST_Extent(p.geom) FROM project p'
     ' WHERE p.id = ANY (ARRAY(SELECT project_id FROM %s touched))'),
    ('project_problem', 'projects',
     'SELECT ST_Extent(p.geom) FROM project p'
     ' WHERE p.id = ANY (ARRAY(SELECT project_id FROM %s touched))'),
    ('project_measure', 'projects',
     'SELECT ST_Extent(p.geom) FROM project p'
     ' WHERE p.id = ANY (ARRAY(SELECT project_id FROM %s touched))')
  LOOP
    EXECUTE format($create$
CREATE FUNCTION note_tile_change_of_%1$s() RETURNS trigger LANGUAGE plpgsql
SET enable_nestloop = off SET enable_hashjoin = on AS $body$
DECLARE
  changed bigint[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM note_tile_change('%2$s', (%3$s));
  ELSIF TG_OP = 'DELETE' THEN
    PERFORM note_tile_change('%2$s', (%4$s));
  ELSE
    PERFORM note_tile_change('%2$s', (%5$s));
  END IF;
  RETURN NULL;
END $body$
      $create$, drawn.column1, drawn.column2, format(drawn.column3, 'became'),
      format(drawn.column3, 'was'), format(drawn.column3, '(TABLE was UNION ALL TABLE became)'));
  END LOOP;
END $do$;

-- Regions are drawn themselves; plans and zonings are drawn where their region is. A new region has
-- no plan yet, so its own row is all there is to draw.
CREATE FUNCTION note_tile_change_of_region() RETURNS trigger LANGUAGE plpgsql
SET enable_nestloop = off SET enable_hashjoin = on AS $$
DECLARE
  changed bigint[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM note_tile_change('regions', (SELECT ST_Extent(geom) FROM became touched));
  ELSIF TG_OP = 'DELETE' THEN
    PERFORM note_tile_change('regions', (SELECT ST_Extent(geom) FROM was touched));
    PERFORM note_tile_change('plans', (SELECT ST_Extent(geom) FROM was touched
      WHERE id IN (SELECT region_id FROM plan)));
    PERFORM note_tile_change('zone_schemes', (SELECT ST_Extent(geom) FROM was touched
      WHERE id IN (SELECT region_id FROM zone_scheme)));
  ELSE
    PERFORM note_tile_change('regions', (SELECT ST_Extent(geom)
      FROM (TABLE was UNION ALL TABLE became) touched));
    PERFORM note_tile_change('plans', (SELECT ST_Extent(geom)
      FROM (TABLE was UNION ALL TABLE became) touched WHERE id IN (SELECT region_id FROM plan)));
    PERFORM note_tile_change('zone_schemes', (SELECT ST_Extent(geom)
      FROM (TABLE was UNION ALL TABLE became) touched
      WHERE id IN (SELECT region_id FROM zone_scheme)));
    changed := ARRAY(SELECT became.id FROM was JOIN became USING (id)
      WHERE (was.code) IS DISTINCT FROM (became.code));
    IF changed <> '{}' THEN
      PERFORM note_tile_change('regions', (SELECT ST_Extent(h.geom) FROM region h
        WHERE h.parent_id = ANY (changed)));
      PERFORM note_tile_change('pattern_components', (SELECT ST_Extent(h.geom)
        FROM pattern_component h
        WHERE h.pattern_id = ANY (ARRAY(SELECT id FROM pattern WHERE region_id = ANY (changed)))));
      PERFORM note_tile_change('corridors', (SELECT ST_Extent(h.geom) FROM corridor h
        WHERE h.region_id = ANY (changed)));
      PERFORM note_tile_change('corridor_nodes', (SELECT ST_Extent(h.geom) FROM corridor_node h
        WHERE h.region_id = ANY (changed)));
      PERFORM note_tile_change('zones', (SELECT ST_Extent(h.geom) FROM zone h
        WHERE h.scheme_id = ANY (ARRAY(SELECT id FROM zone_scheme WHERE region_id = ANY (changed)))));
      PERFORM note_tile_change('control_areas', (SELECT ST_Extent(h.geom) FROM control_area h
        WHERE h.region_id = ANY (changed)));
      PERFORM note_tile_change('problems', (SELECT ST_Extent(h.geom) FROM problem h
        WHERE h.region_id = ANY (changed)));
      PERFORM note_tile_change('projects', (SELECT ST_Extent(h.geom) FROM project h
        WHERE h.region_id = ANY (changed)));
      PERFORM note_tile_change('projects', (SELECT ST_Extent(h.geom) FROM project h
        WHERE h.id = ANY (ARRAY(SELECT project_id FROM project_region
                                 WHERE region_id = ANY (changed)))));
      PERFORM note_tile_change('stations', (SELECT ST_Extent(h.geom) FROM station h
        WHERE h.region_id = ANY (changed)));
      PERFORM note_tile_change('datasets', (SELECT ST_Extent(h.geom)
        FROM (SELECT region_id, footprint AS geom FROM dataset) h
        WHERE h.region_id = ANY (changed)));
    END IF;
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION note_tile_change_of_plan() RETURNS trigger LANGUAGE plpgsql
SET enable_nestloop = off SET enable_hashjoin = on AS $$
DECLARE
  changed bigint[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM note_tile_change('plans', (SELECT ST_Extent(r.geom) FROM region r
      WHERE r.id = ANY (ARRAY(SELECT region_id FROM became touched))));
  ELSIF TG_OP = 'DELETE' THEN
    PERFORM note_tile_change('plans', (SELECT ST_Extent(r.geom) FROM region r
      WHERE r.id = ANY (ARRAY(SELECT region_id FROM was touched))));
  ELSE
    PERFORM note_tile_change('plans', (SELECT ST_Extent(r.geom) FROM region r
      WHERE r.id = ANY (ARRAY(SELECT region_id
                                FROM (TABLE was UNION ALL TABLE became) touched))));
    changed := ARRAY(SELECT became.id FROM was JOIN became USING (id)
      WHERE (was.code) IS DISTINCT FROM (became.code));
    IF changed <> '{}' THEN
      PERFORM note_tile_change('plans', (SELECT ST_Extent(h.geom) FROM region h
        WHERE h.id = ANY (ARRAY(SELECT region_id FROM plan WHERE upper_plan_id = ANY (changed)))));
      PERFORM note_tile_change('zone_schemes', (SELECT ST_Extent(h.geom) FROM region h
        WHERE h.id = ANY (ARRAY(SELECT region_id FROM zone_scheme WHERE plan_id = ANY (changed)))));
      PERFORM note_tile_change('zones', (SELECT ST_Extent(h.geom) FROM zone h
        WHERE h.scheme_id = ANY (ARRAY(SELECT id FROM zone_scheme WHERE plan_id = ANY (changed)))));
      PERFORM note_tile_change('corridors', (SELECT ST_Extent(h.geom) FROM corridor h
        WHERE h.plan_id = ANY (changed)));
      PERFORM note_tile_change('control_areas', (SELECT ST_Extent(h.geom) FROM control_area h
        WHERE h.plan_id = ANY (changed)));
      PERFORM note_tile_change('problems', (SELECT ST_Extent(h.geom) FROM problem h
        WHERE h.plan_id = ANY (changed)));
      PERFORM note_tile_change('projects', (SELECT ST_Extent(h.geom) FROM project h
        WHERE h.plan_id = ANY (changed)));
    END IF;
  END IF;
  RETURN NULL;
END $$;

-- Versions of one code decide together which of them is the present one.
CREATE FUNCTION note_tile_change_of_zone_scheme() RETURNS trigger LANGUAGE plpgsql
SET enable_nestloop = off SET enable_hashjoin = on AS $$
DECLARE
  changed bigint[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM note_tile_change('zone_schemes', (SELECT ST_Extent(r.geom) FROM region r
      WHERE r.id = ANY (ARRAY(
        SELECT region_id FROM became touched UNION
        SELECT region_id FROM zone_scheme WHERE code IN (SELECT code FROM became again)))));
    PERFORM note_tile_change('zones', (SELECT ST_Extent(z.geom) FROM zone z
      WHERE z.scheme_id = ANY (ARRAY(
        SELECT id FROM zone_scheme WHERE code IN (SELECT code FROM became touched)))));
  ELSIF TG_OP = 'DELETE' THEN
    PERFORM note_tile_change('zone_schemes', (SELECT ST_Extent(r.geom) FROM region r
      WHERE r.id = ANY (ARRAY(
        SELECT region_id FROM was touched UNION
        SELECT region_id FROM zone_scheme WHERE code IN (SELECT code FROM was again)))));
    PERFORM note_tile_change('zones', (SELECT ST_Extent(z.geom) FROM zone z
      WHERE z.scheme_id = ANY (ARRAY(
        SELECT id FROM zone_scheme WHERE code IN (SELECT code FROM was touched)))));
  ELSE
    PERFORM note_tile_change('zone_schemes', (SELECT ST_Extent(r.geom) FROM region r
      WHERE r.id = ANY (ARRAY(
        SELECT region_id FROM (TABLE was UNION ALL TABLE became) touched UNION
        SELECT region_id FROM zone_scheme
         WHERE code IN (SELECT code FROM (TABLE was UNION ALL TABLE became) again)))));
    PERFORM note_tile_change('zones', (SELECT ST_Extent(z.geom) FROM zone z
      WHERE z.scheme_id = ANY (ARRAY(
        SELECT id FROM zone_scheme
         WHERE code IN (SELECT code FROM (TABLE was UNION ALL TABLE became) touched)))));
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION note_tile_change_of_pattern_component() RETURNS trigger LANGUAGE plpgsql
SET enable_nestloop = off SET enable_hashjoin = on AS $$
DECLARE
  changed bigint[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM note_tile_change('pattern_components', (SELECT ST_Extent(geom) FROM became touched));
  ELSIF TG_OP = 'DELETE' THEN
    PERFORM note_tile_change('pattern_components', (SELECT ST_Extent(geom) FROM was touched));
  ELSE
    PERFORM note_tile_change('pattern_components', (SELECT ST_Extent(geom)
      FROM (TABLE was UNION ALL TABLE became) touched));
    changed := ARRAY(SELECT became.id FROM was JOIN became USING (id)
      WHERE (was.code) IS DISTINCT FROM (became.code));
    IF changed <> '{}' THEN
      PERFORM note_tile_change('pattern_components', (SELECT ST_Extent(h.geom)
        FROM pattern_component h WHERE h.parent_id = ANY (changed)));
    END IF;
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION note_tile_change_of_problem() RETURNS trigger LANGUAGE plpgsql
SET enable_nestloop = off SET enable_hashjoin = on AS $$
DECLARE
  changed bigint[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM note_tile_change('problems', (SELECT ST_Extent(geom) FROM became touched));
  ELSIF TG_OP = 'DELETE' THEN
    PERFORM note_tile_change('problems', (SELECT ST_Extent(geom) FROM was touched));
  ELSE
    PERFORM note_tile_change('problems', (SELECT ST_Extent(geom)
      FROM (TABLE was UNION ALL TABLE became) touched));
    changed := ARRAY(SELECT became.id FROM was JOIN became USING (id)
      WHERE (was.code, was.deleted_at) IS DISTINCT FROM (became.code, became.deleted_at));
    IF changed <> '{}' THEN
      PERFORM note_tile_change('projects', (SELECT ST_Extent(h.geom) FROM project h
        WHERE h.id = ANY (ARRAY(SELECT project_id FROM project_problem
                                 WHERE problem_id = ANY (changed)))));
    END IF;
  END IF;
  RETURN NULL;
END $$;

-- Tables that are not drawn, but shown by what is: only their changes matter.
CREATE FUNCTION note_tile_change_of_zone_class() RETURNS trigger LANGUAGE plpgsql
SET enable_nestloop = off SET enable_hashjoin = on AS $$
DECLARE
  changed bigint[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    NULL;
  ELSIF TG_OP = 'DELETE' THEN
    NULL;
  ELSE
    changed := ARRAY(SELECT became.id FROM was JOIN became USING (id)
      WHERE (was.code, was.class_code, was.order_no, was.group_code, was.name_zh, was.name_en,
             was.color, was.requirement_zh, was.requirement_en)
            IS DISTINCT FROM
            (became.code, became.class_code, became.order_no, became.group_code, became.name_zh,
             became.name_en, became.color, became.requirement_zh, became.requirement_en));
    IF changed <> '{}' THEN
      PERFORM note_tile_change('zones', (SELECT ST_Extent(h.geom) FROM zone h
        WHERE h.class_id = ANY (changed)));
    END IF;
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION note_tile_change_of_pattern() RETURNS trigger LANGUAGE plpgsql
SET enable_nestloop = off SET enable_hashjoin = on AS $$
DECLARE
  changed bigint[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    NULL;
  ELSIF TG_OP = 'DELETE' THEN
    NULL;
  ELSE
    changed := ARRAY(SELECT became.id FROM was JOIN became USING (id)
      WHERE (was.code, was.name_zh, was.name_en, was.status, was.region_id, was.deleted_at)
            IS DISTINCT FROM
            (became.code, became.name_zh, became.name_en, became.status, became.region_id,
             became.deleted_at));
    IF changed <> '{}' THEN
      PERFORM note_tile_change('pattern_components', (SELECT ST_Extent(h.geom)
        FROM pattern_component h WHERE h.pattern_id = ANY (changed)));
    END IF;
    changed := ARRAY(SELECT became.id FROM was JOIN became USING (id)
      WHERE (was.code) IS DISTINCT FROM (became.code));
    IF changed <> '{}' THEN
      PERFORM note_tile_change('corridors', (SELECT ST_Extent(h.geom) FROM corridor h
        WHERE h.pattern_id = ANY (changed)));
    END IF;
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION note_tile_change_of_programme() RETURNS trigger LANGUAGE plpgsql
SET enable_nestloop = off SET enable_hashjoin = on AS $$
DECLARE
  changed bigint[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    NULL;
  ELSIF TG_OP = 'DELETE' THEN
    NULL;
  ELSE
    changed := ARRAY(SELECT became.id FROM was JOIN became USING (id)
      WHERE (was.code) IS DISTINCT FROM (became.code));
    IF changed <> '{}' THEN
      PERFORM note_tile_change('projects', (SELECT ST_Extent(h.geom) FROM project h
        WHERE h.programme_id = ANY (changed)));
    END IF;
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION note_tile_change_of_party() RETURNS trigger LANGUAGE plpgsql
SET enable_nestloop = off SET enable_hashjoin = on AS $$
DECLARE
  changed bigint[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    NULL;
  ELSIF TG_OP = 'DELETE' THEN
    NULL;
  ELSE
    changed := ARRAY(SELECT became.id FROM was JOIN became USING (id)
      WHERE (was.code) IS DISTINCT FROM (became.code));
    IF changed <> '{}' THEN
      PERFORM note_tile_change('projects', (SELECT ST_Extent(h.geom) FROM project h
        WHERE h.owner_id = ANY (changed)));
      PERFORM note_tile_change('stations', (SELECT ST_Extent(h.geom) FROM station h
        WHERE h.owner_id = ANY (changed)));
    END IF;
  END IF;
  RETURN NULL;
END $$;

-- Each table with the collections that emptying it touches, and whether it is drawn itself.
DO $$
DECLARE
  watched record;
BEGIN
  FOR watched IN
    SELECT column1 AS name, column2 AS drawn, string_to_array(column3, ' ') AS collections
      FROM (VALUES
      ('region', true, 'control_areas corridor_nodes corridors datasets pattern_components plans'
       ' problems projects regions stations zone_schemes zones'),
      ('plan', true, 'control_areas corridors plans problems projects zone_schemes zones'),
      ('zone_scheme', true, 'zone_schemes zones'),
      ('zone', true, 'zones'),
      ('zone_class', false, 'zones'),
      ('pattern', false, 'corridors pattern_components'),
      ('pattern_component', true, 'pattern_components'),
      ('corridor', true, 'corridors'),
      ('corridor_node', true, 'corridor_nodes'),
      ('control_area', true, 'control_areas'),
      ('problem', true, 'problems projects'),
      ('project', true, 'projects'),
      ('project_region', true, 'projects'),
      ('project_problem', true, 'projects'),
      ('project_measure', true, 'projects'),
      ('programme', false, 'projects'),
      ('party', false, 'projects stations'),
      ('station', true, 'stations'),
      ('dataset', true, 'datasets')) given
  LOOP
    EXECUTE format('CREATE TRIGGER note_tile_update AFTER UPDATE ON %1$I'
                   ' REFERENCING OLD TABLE AS was NEW TABLE AS became'
                   ' FOR EACH STATEMENT EXECUTE FUNCTION %2$I()',
                   watched.name, 'note_tile_change_of_' || watched.name);
    IF watched.drawn THEN
      EXECUTE format('CREATE TRIGGER note_tile_insert AFTER INSERT ON %1$I'
                     ' REFERENCING NEW TABLE AS became'
                     ' FOR EACH STATEMENT EXECUTE FUNCTION %2$I()',
                     watched.name, 'note_tile_change_of_' || watched.name);
      EXECUTE format('CREATE TRIGGER note_tile_delete AFTER DELETE ON %1$I'
                     ' REFERENCING OLD TABLE AS was'
                     ' FOR EACH STATEMENT EXECUTE FUNCTION %2$I()',
                     watched.name, 'note_tile_change_of_' || watched.name);
    END IF;
    EXECUTE format('CREATE TRIGGER note_tile_truncate AFTER TRUNCATE ON %I'
                   ' FOR EACH STATEMENT EXECUTE FUNCTION note_tiles_everywhere(%s)',
                   watched.name, (SELECT string_agg(quote_literal(one), ', ')
                                    FROM unnest(watched.collections) one));
  END LOOP;
END $$;

-- Where a change is seldom, or nobody knows where it shows, all tiles of a collection are made anew.
CREATE TRIGGER note_tile_change AFTER INSERT OR UPDATE OR DELETE ON project_state
  FOR EACH STATEMENT EXECUTE FUNCTION note_tiles_everywhere('projects');
CREATE TRIGGER note_tile_change AFTER INSERT OR UPDATE OR DELETE ON job_dataset
  FOR EACH STATEMENT EXECUTE FUNCTION note_tiles_everywhere('datasets');
CREATE TRIGGER note_tile_change AFTER INSERT OR UPDATE OR DELETE ON plan_project
  FOR EACH STATEMENT EXECUTE FUNCTION note_tiles_everywhere('projects');
CREATE TRIGGER note_tile_change AFTER UPDATE OF plan_id ON pattern
  FOR EACH STATEMENT EXECUTE FUNCTION note_tiles_everywhere('pattern_components');
CREATE TRIGGER note_tile_change AFTER UPDATE OF plan_id ON programme
  FOR EACH STATEMENT EXECUTE FUNCTION note_tiles_everywhere('projects');
CREATE TRIGGER note_tile_change AFTER INSERT OR UPDATE OR DELETE ON named_feature
  FOR EACH STATEMENT EXECUTE FUNCTION note_tiles_everywhere('named_features');
-- What a proposal revised is told once, when it has been carried out, and that is seldom.
CREATE TRIGGER note_tile_change AFTER UPDATE OF made_id ON proposal
  FOR EACH STATEMENT EXECUTE FUNCTION note_tiles_everywhere('plans', 'zone_schemes');
-- What is told of an edition, or of whether it is in force, is shown by all it holds. Both change
-- seldom.
CREATE TRIGGER note_tile_change
  AFTER UPDATE OF code, status, in_force, region_id, region_ids, supersedes_id, deleted_at ON plan
  FOR EACH STATEMENT EXECUTE FUNCTION note_tiles_everywhere(
    'pattern_components', 'corridors', 'corridor_nodes', 'control_areas', 'problems', 'zones',
    'projects');

-- A raster is served once its job has ended well; a lease that is renewed changes nothing.
CREATE FUNCTION note_tile_change_of_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM was JOIN became USING (id) WHERE was.status <> became.status
               AND 'successful' IN (was.status, became.status)) THEN
    PERFORM note_tile_change('datasets', everywhere());
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER note_tile_change AFTER UPDATE ON job
  REFERENCING OLD TABLE AS was NEW TABLE AS became
  FOR EACH STATEMENT EXECUTE FUNCTION note_tile_change_of_job();

-- Named features show the code of their region.
CREATE FUNCTION note_named_features_of_region() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM note_tile_change('named_features', (
    SELECT ST_Extent(feature.geom) FROM named_feature feature WHERE feature.region_id = ANY (
      ARRAY(SELECT was.id FROM was JOIN became USING (id)
             WHERE was.code IS DISTINCT FROM became.code))));
  RETURN NULL;
END $$;
CREATE TRIGGER note_tile_change AFTER UPDATE ON region
  REFERENCING OLD TABLE AS was NEW TABLE AS became
  FOR EACH STATEMENT EXECUTE FUNCTION note_named_features_of_region();

-- Objects that wait for their simpler shapes.
CREATE TABLE tile_pending (
  source varchar NOT NULL,
  id bigint NOT NULL,
  ticket bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
  CONSTRAINT pk_tile_pending PRIMARY KEY (source, id)
);

-- Each table with the column of its shape and, where its rows lie side by side, the one that is the
-- same for all of a cover.
--
-- The object is made to wait before its shapes are forgotten: whoever makes them locks its place in
-- the queue, so shapes that are being made are either seen and forgotten, or not written. It runs as
-- the owner of the tables, as whoever writes objects need not have rights on shapes.
DO $do$
DECLARE
  shaped record;
BEGIN
  FOR shaped IN
    SELECT column1 AS name, column2 AS geometry, column3 AS cover
      FROM (VALUES
      ('region', 'geom', 'level'), ('zone', 'geom', 'scheme_id'), ('control_area', 'geom', 'kind'),
      ('pattern_component', 'geom', NULL), ('corridor', 'geom', NULL),
      ('corridor_node', 'geom', NULL), ('problem', 'geom', NULL), ('project', 'geom', NULL),
      ('dataset', 'footprint', NULL)) given
  LOOP
    EXECUTE format($create$
      CREATE TABLE %1$I (
        band smallint NOT NULL,
        id bigint NOT NULL,
        size double precision NOT NULL,
        geom geometry(Geometry, 4490) NOT NULL,
        CONSTRAINT %2$I PRIMARY KEY (band, id)
      );
      CREATE INDEX %3$I ON %1$I USING gist (band, geom);
      $create$, shaped.name || '_shape', 'pk_' || shaped.name || '_shape',
      'ix_' || shaped.name || '_shape_band_geom');
    EXECUTE format($create$
CREATE FUNCTION await_shapes_of_%1$s() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
SET enable_nestloop = off SET enable_hashjoin = on AS $body$
DECLARE
  changed bigint[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO tile_pending (source, id)
    SELECT '%1$s', id FROM became WHERE %2$s IS NOT NULL;
    RETURN NULL;
  ELSIF TG_OP = 'DELETE' THEN
    changed := ARRAY(SELECT id FROM was);
    DELETE FROM tile_pending WHERE source = '%1$s' AND id = ANY (changed);
  ELSE
    changed := ARRAY(SELECT became.id FROM was JOIN became USING (id)
                      WHERE was.%2$s IS DISTINCT FROM became.%2$s%3$s);
    IF changed = '{}' THEN
      RETURN NULL;
    END IF;
    INSERT INTO tile_pending (source, id) SELECT '%1$s', unnest(changed)
    ON CONFLICT (source, id) DO UPDATE SET ticket = excluded.ticket;
  END IF;
  DELETE FROM %1$s_shape WHERE band IN (4, 6, 8, 10, 12, 99) AND id = ANY (changed);
  RETURN NULL;
END $body$
      $create$, shaped.name, shaped.geometry,
      coalesce(' OR was.' || shaped.cover || ' IS DISTINCT FROM became.' || shaped.cover, ''));
    EXECUTE format('CREATE TRIGGER await_shapes_insert AFTER INSERT ON %I'
                   ' REFERENCING NEW TABLE AS became'
                   ' FOR EACH STATEMENT EXECUTE FUNCTION %I()',
                   shaped.name, 'await_shapes_of_' || shaped.name);
    EXECUTE format('CREATE TRIGGER await_shapes_update AFTER UPDATE ON %I'
                   ' REFERENCING OLD TABLE AS was NEW TABLE AS became'
                   ' FOR EACH STATEMENT EXECUTE FUNCTION %I()',
                   shaped.name, 'await_shapes_of_' || shaped.name);
    EXECUTE format('CREATE TRIGGER await_shapes_delete AFTER DELETE ON %I'
                   ' REFERENCING OLD TABLE AS was'
                   ' FOR EACH STATEMENT EXECUTE FUNCTION %I()',
                   shaped.name, 'await_shapes_of_' || shaped.name);
  END LOOP;
END $do$;
