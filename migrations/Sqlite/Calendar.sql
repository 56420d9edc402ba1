-- Every day of 2020 to 2039.
-- The ISO week is that of the week's Thursday.
WITH RECURSIVE days(day) AS (SELECT '2020-01-01' UNION ALL SELECT date(day, '+1 day') FROM days WHERE day < '2039-12-31')
INSERT INTO calendar_day (date, date_key, year, quarter, month, day, iso_week, weekday, month_name, weekday_name)
SELECT day, CAST(strftime('%Y%m%d', day) AS INTEGER), CAST(strftime('%Y', day) AS INTEGER), (CAST(strftime('%m', day) AS INTEGER) + 2) / 3,
       CAST(strftime('%m', day) AS INTEGER), CAST(strftime('%d', day) AS INTEGER),
       (CAST(strftime('%j', date(day, '-3 days', 'weekday 4')) AS INTEGER) - 1) / 7 + 1, (CAST(strftime('%w', day) AS INTEGER) + 6) % 7 + 1,
       CASE strftime('%m', day) WHEN '01' THEN 'January' WHEN '02' THEN 'February' WHEN '03' THEN 'March' WHEN '04' THEN 'April' WHEN '05' THEN 'May'
            WHEN '06' THEN 'June' WHEN '07' THEN 'July' WHEN '08' THEN 'August' WHEN '09' THEN 'September' WHEN '10' THEN 'October'
            WHEN '11' THEN 'November' ELSE 'December' END,
       CASE strftime('%w', day) WHEN '0' THEN 'Sunday' WHEN '1' THEN 'Monday' WHEN '2' THEN 'Tuesday' WHEN '3' THEN 'Wednesday' WHEN '4' THEN 'Thursday'
            WHEN '5' THEN 'Friday' ELSE 'Saturday' END
FROM days;
