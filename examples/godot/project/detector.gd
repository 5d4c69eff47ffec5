# Detects blood cells in a picture, prints their boxes, and draws them where there is a window.
extends Node2D

@export_file("*.jpg", "*.png", "*.webp") var picture := "res://smear-1.jpg"

@onready var detector: GhostDetector = $GhostDetector

var texture: Texture2D
var boxes := []


func _ready() -> void:
	texture = load(picture)
	detector.detected.connect(_on_detected)
	detector.failed.connect(_on_failed)
	# Returns at once. detector.detect(texture) would wait and give the boxes back.
	if not detector.submit(texture):
		_finish(1)


func _on_detected(found: Array) -> void:
	boxes = found
	for box: Dictionary in boxes:
		var area: Rect2 = box.box
		print("%-10s %.2f  at %3.0f, %3.0f, size %3.0f x %3.0f" % [box.name, box.score,
				area.position.x, area.position.y, area.size.x, area.size.y])
	queue_redraw()
	_finish(0)


func _on_failed(_reason: String) -> void: # which is in the output already, as an error
	_finish(1)


func _draw() -> void:
	draw_texture(texture, Vector2.ZERO)
	for box: Dictionary in boxes:
		draw_rect(box.box, Color.YELLOW, false, 2)
		draw_string(ThemeDB.fallback_font, box.box.position - Vector2(0, 3), "%s %.2f" % [box.name, box.score],
				HORIZONTAL_ALIGNMENT_LEFT, -1, 12, Color.YELLOW)


func _finish(status: int) -> void:
	if DisplayServer.get_name() == "headless":
		get_tree().quit(status)
