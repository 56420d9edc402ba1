-- Every day of 2020 to 2039.
INSERT INTO calendar_day (date, date_key, year, quarter, month, day, iso_week, weekday, month_name, weekday_name)
SELECT CAST(day AS date), CAST(to_char(day, 'YYYYMMDD') AS integer), EXTRACT(YEAR FROM day), EXTRACT(QUARTER FROM day), EXTRACT(MONTH FROM day),
       EXTRACT(DAY FROM day), EXTRACT(WEEK FROM day), EXTRACT(ISODOW FROM day), to_char(day, 'FMMonth'), to_char(day, 'FMDay')
FROM generate_series(timestamp '2020-01-01', timestamp '2039-12-31', interval '1 day') AS day;
