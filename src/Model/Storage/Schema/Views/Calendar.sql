CREATE VIEW "Calendar" AS
SELECT date AS "Date", date_key AS "DateKey", year AS "Year", quarter AS "Quarter", month AS "Month", day AS "Day",
       iso_week AS "IsoWeek", weekday AS "Weekday", month_name AS "MonthName", weekday_name AS "WeekdayName"
FROM calendar_day;
